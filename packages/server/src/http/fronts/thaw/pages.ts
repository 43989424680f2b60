/** Pages of lists. Without `limit` and `next` a list comes whole and in its own order. */
import { RequestFormError } from "@thaw/thaw-api";

export interface PageWish {
  readonly limit?: number | undefined;
  readonly next?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** A part of the answer: the marker of the page that follows, if one does. */
  readonly more: { readonly next?: string };
}

/** Pages go by id, so that an item that comes or goes between two of them shifts none of the others. */
export function pageOf<T>(items: readonly T[], idOf: (item: T) => string, { limit, next }: PageWish): Page<T> {
  if (limit === undefined && next === undefined) return { items, more: {} };
  const after = next === undefined ? null : readMarker(next);
  const rest = items
    .map((item) => ({ item, id: idOf(item) }))
    .filter(({ id }) => after === null || id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = rest.slice(0, limit ?? rest.length);
  const last = page.at(-1);
  const more = last === undefined || page.length === rest.length ? {} : { next: writeMarker(last.id) };
  return { items: page.map(({ item }) => item), more };
}

function writeMarker(id: string): string {
  return Buffer.from(id, "utf8").toString("base64url");
}

function readMarker(marker: string): string {
  const id = Buffer.from(marker, "base64url").toString("utf8");
  if (id === "" || writeMarker(id) !== marker)
    throw new RequestFormError("The parameter next is wrong: expected the `next` of a page.");
  return id;
}

/** True where nothing is wanted, or just this. */
export function isWanted(wanted: string | undefined, ...given: ReadonlyArray<string | null>): boolean {
  // Empty as well: shells and forms send a filter that is not set as an empty text.
  return wanted === undefined || wanted === "" || given.includes(wanted);
}
