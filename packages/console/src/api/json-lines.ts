/** Lines of JSON out of pieces of bytes that end anywhere, also inside of a character. */

/**
 * A line of this length is no line of ours: it is dropped, and reading goes on with the next. The longest is an event
 * of a log: 256 KiB, each byte of which may be a control character, and such a one six characters in JSON.
 */
export const LINE_LENGTH_MAX = 2 ** 21;

export class JsonLines {
  readonly #decoder = new TextDecoder();
  #rest: string[] = [];
  #length = 0;
  #isDropping = false;

  /** Gives the documents of the lines that a piece ends. What is no JSON is left out. */
  push(piece: Uint8Array): unknown[] {
    const lines = this.#decoder.decode(piece, { stream: true }).split("\n");
    const last = lines.pop() ?? "";
    const documents: unknown[] = [];
    for (const line of lines) {
      this.#keep(line);
      const text = this.#take();
      if (text !== null) documents.push(...parsed(text));
    }
    this.#keep(last);
    return documents;
  }

  #keep(text: string): void {
    this.#length += text.length;
    if (this.#length > LINE_LENGTH_MAX) this.#isDropping = true;
    if (this.#isDropping) this.#rest = [];
    else if (text !== "") this.#rest.push(text);
  }

  /** Ends a line; null where it was too long. */
  #take(): string | null {
    const text = this.#isDropping ? null : this.#rest.join("");
    this.#rest = [];
    this.#length = 0;
    this.#isDropping = false;
    return text;
  }
}

function parsed(text: string): readonly unknown[] {
  try {
    return text.trim() === "" ? [] : [JSON.parse(text)];
  } catch {
    return [];
  }
}
