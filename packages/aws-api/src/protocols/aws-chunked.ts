/**
 * The content encoding aws-chunked: pieces with their sizes, signed or not, and trailers with a checksum
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
 *
 *   SIZE-IN-HEXADECIMAL[;chunk-signature=SIGNATURE] CRLF  bytes CRLF  …  0[;chunk-signature=…] CRLF  NAME:VALUE CRLF …  CRLF
 */
import { createHash, type Hash } from "node:crypto";
import type { ChunkSigner } from "../signature/chunk-signer.ts";
import { sha256 } from "../signature/canonical.ts";
import { SerializationError } from "../validate.ts";

/** A chunk's line, and each trailer's. */
const LINE_BYTES_MAX = 1024;
const TRAILERS_MAX = 16;
const SIGNATURE_TRAILER = "x-amz-trailer-signature";
const HEADER = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/;

/** What follows the content. */
export interface ChunkedEnd {
  /** By their names in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
}

/**
 * Gives the content piece by piece; `onEnd` is called once it is whole. Throws SerializationError where the encoding or
 * a signature is wrong: the pieces before are then worth nothing.
 */
export async function* decodeChunked(
  body: AsyncIterable<Buffer>,
  signer: ChunkSigner | null,
  onEnd: (end: ChunkedEnd) => void,
): AsyncGenerator<Buffer> {
  const reader = new Reader(body);
  try {
    let sizeBytes = 0;
    for (;;) {
      const [, size, signature] = HEADER.exec(await reader.line()) ?? [];
      if (size === undefined) throw new SerializationError("a chunk's size is missing");
      const bytes = Number.parseInt(size, 16);
      const hash = createHash("sha256");
      yield* signer === null ? reader.pieces(bytes) : hashed(reader.pieces(bytes), hash);
      sizeBytes += bytes;
      if (signer !== null) check(signer.ofChunk(hash.digest("hex")), signature);
      if (bytes === 0) break;
      if ((await reader.line()) !== "") throw new SerializationError("a chunk is longer than its size");
    }
    onEnd({ trailers: await readTrailers(reader, signer), sizeBytes });
  } finally {
    await reader.end();
  }
}

async function* hashed(pieces: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

async function readTrailers(reader: Reader, signer: ChunkSigner | null): Promise<Record<string, string>> {
  const trailers: Record<string, string> = {};
  let signed = "";
  for (let count = 0; ; count++) {
    const line = await reader.lineOrEnd();
    if (line === null || line === "") break;
    const colon = line.indexOf(":");
    if (colon < 1 || count >= TRAILERS_MAX) throw new SerializationError("a trailer is wrong");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    trailers[name] = value;
    if (name !== SIGNATURE_TRAILER) signed += `${name}:${value}\n`;
  }
  const { [SIGNATURE_TRAILER]: signature, ...others } = trailers;
  if (signer !== null && signed !== "") check(signer.ofTrailers(sha256(signed)), signature);
  if (!(await reader.isAtEnd())) throw new SerializationError("there is more after the last chunk");
  return others;
}

function check(expected: string, given: string | undefined): void {
  if (expected !== given) throw new SerializationError("a chunk's signature is wrong");
}

class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #hasEnded = false;

  constructor(body: AsyncIterable<Buffer>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const line = await this.lineOrEnd();
    if (line === null) throw new SerializationError("the body ends before its last chunk");
    return line;
  }

  /** Null at the end of the body. */
  async lineOrEnd(): Promise<string | null> {
    for (;;) {
      const end = this.#held.indexOf("\r\n");
      if (end !== -1) {
        const line = this.#held.toString("latin1", 0, end);
        this.#held = this.#held.subarray(end + 2);
        return line;
      }
      if (this.#held.length > LINE_BYTES_MAX) throw new SerializationError("a line is too long");
      if (await this.#more()) continue;
      if (this.#held.length === 0) return null;
      throw new SerializationError("the body ends within a line");
    }
  }

  async *pieces(bytes: number): AsyncGenerator<Buffer> {
    let left = bytes;
    while (left > 0) {
      if (this.#held.length === 0 && !(await this.#more()))
        throw new SerializationError("the body ends within a chunk");
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async isAtEnd(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#more());
  }

  /** Says that nothing more will be read. */
  async end(): Promise<void> {
    await this.#source.return?.();
  }

  /** False at the end. */
  async #more(): Promise<boolean> {
    if (this.#hasEnded) return false;
    const next = await this.#source.next();
    if (next.done === true) this.#hasEnded = true;
    else this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return !this.#hasEnded;
  }
}
