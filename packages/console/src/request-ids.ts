/** Request ids in a line of a log. Functions print any text: one that looks like an id leads to no more than a page. */

export interface Piece {
  readonly text: string;
  readonly isRequestId: boolean;
}

const ID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** Cuts a text where it names requests; its pieces together are the text. */
export function splitAtRequestIds(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: id, index } of text.matchAll(ID)) {
    if (index > end) pieces.push({ text: text.slice(end, index), isRequestId: false });
    pieces.push({ text: id, isRequestId: true });
    end = index + id.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), isRequestId: false });
  return pieces;
}
