/** Frames of the wire of a remote worker: kind (1 byte), length (4 bytes), and that many bytes. */

export const FRAME = { value: 1, data: 2, dataEnd: 3, completion: 4, failure: 5 } as const;

type FrameKind = (typeof FRAME)[keyof typeof FRAME];

const HEADER_BYTES = 5;

export class FrameError extends Error {}

export function jsonFrame(kind: FrameKind, value: unknown): Buffer {
  return frame(kind, Buffer.from(JSON.stringify(value)));
}

export function dataFrame(bytes: Buffer): Buffer {
  return frame(FRAME.data, bytes);
}

/** A frame in two pieces: what may be large is not copied. */
export function dataFrames(bytes: Buffer): readonly [Buffer, Buffer] {
  return [headerOf(FRAME.data, bytes.length), bytes];
}

function frame(kind: FrameKind, bytes: Buffer): Buffer {
  return Buffer.concat([headerOf(kind, bytes.length), bytes]);
}

function headerOf(kind: FrameKind, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(length, 1);
  return header;
}

export interface FrameTaker {
  json(kind: number, value: unknown): void;
  /** Called with the pieces of data as they come. */
  data(piece: Buffer): void;
}

/** Takes bytes and gives frames: JSON whole, data piece by piece. */
export class FrameReader {
  readonly #taker: FrameTaker;
  readonly #jsonBytesMax: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #leftBytes = 0;
  #json: Buffer[] = [];

  constructor(taker: FrameTaker, jsonBytesMax: number) {
    this.#taker = taker;
    this.#jsonBytesMax = jsonBytesMax;
  }

  /** True between two frames. */
  get isAtRest(): boolean {
    return this.#headerBytes === 0;
  }

  /** Throws a FrameError where the bytes are no frames. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#headerBytes < HEADER_BYTES) rest = this.#readHeader(rest);
      else rest = this.#readContent(rest);
    }
  }

  get #kind(): number {
    return this.#header.readUInt8(0);
  }

  #readHeader(bytes: Buffer): Buffer {
    const copied = bytes.copy(this.#header, this.#headerBytes);
    this.#headerBytes += copied;
    if (this.#headerBytes < HEADER_BYTES) return bytes.subarray(copied);
    this.#leftBytes = this.#header.readUInt32BE(1);
    if (this.#kind < FRAME.value || this.#kind > FRAME.failure) throw new FrameError(`a frame of kind ${this.#kind}`);
    if (this.#kind !== FRAME.data && this.#leftBytes > this.#jsonBytesMax)
      throw new FrameError(`a frame of ${this.#leftBytes} bytes`);
    if (this.#leftBytes === 0) this.#end();
    return bytes.subarray(copied);
  }

  #readContent(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= piece.length;
    const isLast = this.#leftBytes === 0;
    if (this.#kind !== FRAME.data) this.#json.push(piece);
    else this.#taker.data(piece);
    if (isLast) this.#end();
    return bytes.subarray(piece.length);
  }

  #end(): void {
    this.#headerBytes = 0;
    const pieces = this.#json;
    this.#json = [];
    if (this.#kind !== FRAME.data) this.#taker.json(this.#kind, parse(Buffer.concat(pieces)));
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new FrameError("a frame that is no JSON");
  }
}
