/**
 * Bodies that come in pieces. One side writes, one side reads, once. A reader that is slower than the writer holds the
 * writer's source up; a reader that goes away does not.
 *
 * ```text
 *            ┌► keep ───► whole, too-large or cut: told at the end, with all bytes
 *  waiting ──┼► stream ─► pieces as they come; whole, too-large or cut: told at the end
 *            └► cancel ─► bytes are dropped
 * ```
 */
import { strict as assert } from "node:assert";

/** Unread bytes of a body that is streamed beyond which its source is held up. */
export const BODY_UNREAD_BYTES_MAX = 256 * 1024;

/** The reader's side. Iterating throws BodyCutError or BodyTooLargeError where the body does not come whole. */
export interface Body extends AsyncIterable<Buffer> {
  /** Reads everything. Throws BodyTooLargeError when there is more than `sizeBytesMax`. */
  collect(sizeBytesMax: number): Promise<Buffer>;
  /** Says that nothing more will be read. */
  cancel(): void;
}

export class BodyTooLargeError extends Error {
  readonly sizeBytesMax: number;
  constructor(sizeBytesMax: number) {
    super(`a body of more than ${sizeBytesMax} bytes`);
    this.sizeBytesMax = sizeBytesMax;
  }
}

/** A body that does not come whole: its writer went away in the middle, or handed on its beginning only. */
export class BodyCutError extends Error {
  constructor() {
    super("a body that was cut off");
  }
}

/** The source that the writer reads from. Pauses and resumptions are in pairs. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Says that a piece was dropped, and that only the length of the body is of use now. */
  skip(): void;
}

const FREE_SOURCE: BodySource = { pause: () => undefined, resume: () => undefined, skip: () => undefined };

/** The end of a body. */
export type BodyEnd =
  | { readonly kind: "whole" }
  /** `lengthBytes` is what was sent, as far as it is known. */
  | { readonly kind: "too-large"; readonly lengthBytes: number }
  | { readonly kind: "cut" };

/** The end of a body that was kept. */
export type KeptBody = Exclude<BodyEnd, { kind: "whole" }> | { readonly kind: "whole"; readonly bytes: Buffer };

export class BodyPipe implements Body {
  readonly #source: BodySource;
  #mode: "waiting" | "keeping" | "streaming" | "dropping" = "waiting";
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #lengthBytes = 0;
  /** True where the writer handed on less than `#lengthBytes`. */
  #isTruncated = false;
  #sizeBytesMax = Number.POSITIVE_INFINITY;
  #isPaused = false;
  #end: BodyEnd | null = null;
  #error: Error | null = null;
  #onEnd: ((end: BodyEnd) => void) | null = null;
  #wake: (() => void) | null = null;

  constructor(source: BodySource = FREE_SOURCE) {
    this.#source = source;
  }

  get hasEnded(): boolean {
    return this.#end !== null;
  }

  /** Writes a piece. A piece that comes after the end is dropped. */
  push(bytes: Buffer): void {
    if (this.#end !== null) return;
    this.#lengthBytes += bytes.length;
    const isTooLarge = this.#lengthBytes > this.#sizeBytesMax;
    if (this.#mode === "streaming" && isTooLarge) return this.#refuse();
    // The length of a kept body is told, so it is read to its end; its bytes are of no use any more.
    if (this.#mode === "keeping" && isTooLarge) this.#drop();
    else if (this.#mode !== "dropping") return this.#queue(bytes);
    this.#source.skip();
  }

  /**
   * Ends the body. `lengthBytes` is its real length, where the writer was given more than it handed on: such a body is
   * too large where that is over the reader's limit, and cut otherwise.
   */
  end(lengthBytes: number = this.#lengthBytes): void {
    if (this.#end !== null) return;
    this.#isTruncated = lengthBytes !== this.#lengthBytes;
    this.#lengthBytes = Math.max(lengthBytes, this.#lengthBytes);
    if (this.#lengthBytes > this.#sizeBytesMax) this.#refuse();
    else if (this.#isTruncated) this.fail();
    else this.#finish({ kind: "whole" });
  }

  /** Ends a body that will not come whole; its reader gets the pieces that are there, then the error. */
  fail(error: Error = new BodyCutError()): void {
    if (this.#end !== null) return;
    this.#error = error;
    this.#finish({ kind: "cut" });
  }

  /**
   * Keeps all bytes up to `sizeBytesMax`, without ever holding the source up; `done` is called in the turn in which the
   * end comes.
   */
  keep(sizeBytesMax: number, done: (kept: KeptBody) => void): void {
    this.#begin("keeping", sizeBytesMax, (end) => {
      if (end.kind !== "whole") return done(end);
      const bytes = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
      this.#drop();
      done({ kind: "whole", bytes });
    });
  }

  /**
   * Lets the body be iterated; `done` is called in the turn in which the end comes, whether or not it has been read.
   */
  stream(sizeBytesMax: number, done: (end: BodyEnd) => void): Body {
    this.#begin("streaming", sizeBytesMax, done);
    return this;
  }

  cancel(): void {
    this.#mode = "dropping";
    this.#drop();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#unreadBytes -= piece.length;
          this.#resumeWhenRead();
          yield piece;
        } else if (this.#end === null) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else if (this.#error === null) return;
        else throw this.#error;
      }
    } finally {
      this.cancel();
    }
  }

  collect(sizeBytesMax: number): Promise<Buffer> {
    return collect(this, sizeBytesMax);
  }

  #begin(mode: "keeping" | "streaming", sizeBytesMax: number, onEnd: (end: BodyEnd) => void): void {
    assert(this.#mode === "waiting", "a body is read once");
    this.#mode = mode;
    this.#sizeBytesMax = sizeBytesMax;
    if (mode === "keeping") this.#resume();
    this.#applyLimit();
    if (this.#end === null) this.#onEnd = onEnd;
    else onEnd(this.#end);
  }

  /** The limit is known only now, and may have been passed already. */
  #applyLimit(): void {
    if (this.#lengthBytes <= this.#sizeBytesMax || (this.#end?.kind === "cut" && !this.#isTruncated)) return;
    this.#drop();
    if (this.#end === null && this.#mode === "keeping") return;
    this.#end = null;
    this.#refuse();
  }

  #queue(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#mode !== "keeping" && this.#unreadBytes > BODY_UNREAD_BYTES_MAX && !this.#isPaused) {
      this.#isPaused = true;
      this.#source.pause();
    }
    this.#tell();
  }

  #refuse(): void {
    this.#error = new BodyTooLargeError(this.#sizeBytesMax);
    this.#finish({ kind: "too-large", lengthBytes: this.#lengthBytes });
  }

  #finish(end: BodyEnd): void {
    this.#end = end;
    this.#resume();
    this.#onEnd?.(end);
    this.#tell();
  }

  #drop(): void {
    this.#pieces = [];
    this.#unreadBytes = 0;
    this.#resume();
  }

  #resumeWhenRead(): void {
    if (this.#unreadBytes <= BODY_UNREAD_BYTES_MAX) this.#resume();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resume();
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

/** Makes a body of bytes that are there. */
export function wholeBody(bytes: Buffer): Body {
  return new WholeBody(bytes);
}

class WholeBody implements Body {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  async collect(sizeBytesMax: number): Promise<Buffer> {
    if (this.#bytes.length > sizeBytesMax) throw new BodyTooLargeError(sizeBytesMax);
    return this.#bytes;
  }

  cancel(): void {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    yield this.#bytes;
  }
}

async function collect(body: AsyncIterable<Buffer>, sizeBytesMax: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of body) {
    sizeBytes += piece.length;
    if (sizeBytes > sizeBytesMax) throw new BodyTooLargeError(sizeBytesMax);
    pieces.push(piece);
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}
