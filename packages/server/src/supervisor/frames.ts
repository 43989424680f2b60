/**
 * Frames of the supervisor protocol: size, type, call id, payload. Byte table: docs/formats/supervisor-protocol.md.
 */
import { ThawError } from "../model/platform-errors.ts";

export const HEADER_SIZE_BYTES = 12;
export const PAYLOAD_SIZE_BYTES_MAX = 1024 * 1024;
/** Size of the pieces in which larger bodies travel. */
export const PIECE_SIZE_BYTES = 64 * 1024;

/** Bytes of a body that the supervisor relays before it is asked for more; one read of it may go beyond. */
export const WINDOW_SIZE_BYTES = 256 * 1024;
export const WINDOW_EXCESS_BYTES_MAX = 64 * 1024;

export const FRAME = {
  hello: 0x01,
  spawn: 0x02,
  signal: 0x03,
  responseHead: 0x04,
  responseBody: 0x05,
  responseEnd: 0x06,
  responseAbort: 0x07,
  park: 0x08,
  requestMore: 0x09,
  requestSkip: 0x0a,
  list: 0x0b,
  keep: 0x0c,
  connect: 0x0d,
  send: 0x0e,
  hangUp: 0x0f,
  reset: 0x10,
  helloAnswer: 0x81,
  spawned: 0x82,
  requestHead: 0x83,
  requestBody: 0x84,
  requestEnd: 0x85,
  requestAbort: 0x86,
  log: 0x87,
  exit: 0x88,
  parked: 0x89,
  listed: 0x8a,
  written: 0x8b,
  received: 0x8c,
  hungUp: 0x8d,
  resetDone: 0x8e,
} as const;

const FROM_SUPERVISOR: ReadonlySet<number> = new Set(Object.values(FRAME).filter((type) => type >= 0x80));

export interface Frame {
  readonly type: number;
  readonly callId: number;
  readonly payload: Buffer;
}

export class SupervisorProtocolError extends ThawError {
  constructor(problem: string) {
    super("SUPERVISOR_PROTOCOL", { detail: { problem } });
  }
}

export function encodeFrame(type: number, callId: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_SIZE_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt32LE(type, 4);
  frame.writeUInt32LE(callId, 8);
  payload.copy(frame, HEADER_SIZE_BYTES);
  return frame;
}

export function encodeJson(type: number, callId: number, value: unknown): Buffer {
  return encodeFrame(type, callId, Buffer.from(JSON.stringify(value)));
}

/** Takes bytes and gives whole frames. The bytes come from a process inside a sandbox: nothing of them is trusted. */
export class FrameReader {
  readonly #header = Buffer.alloc(HEADER_SIZE_BYTES);
  #headerBytes = 0;
  /** Of the frame that is being read; null before its header is whole. */
  #payload: Buffer | null = null;
  #payloadBytes = 0;

  /** A payload is its reader's own: each byte is copied once, into it. */
  *push(bytes: Buffer): Generator<Frame> {
    for (let at = 0; ; ) {
      if (this.#payload === null) {
        const taken = bytes.copy(this.#header, this.#headerBytes, at);
        this.#headerBytes += taken;
        at += taken;
        if (this.#headerBytes < HEADER_SIZE_BYTES) return;
        this.#payload = Buffer.allocUnsafe(readSize(this.#header));
      }
      const taken = bytes.copy(this.#payload, this.#payloadBytes, at);
      this.#payloadBytes += taken;
      at += taken;
      if (this.#payloadBytes < this.#payload.length) return;
      const payload = this.#payload;
      const frame = { type: this.#header.readUInt32LE(4), callId: this.#header.readUInt32LE(8), payload };
      this.#headerBytes = 0;
      this.#payload = null;
      this.#payloadBytes = 0;
      yield frame;
    }
  }
}

/** Reads the size of a payload. Throws where a header is none of a supervisor. */
function readSize(header: Buffer): number {
  const sizeBytes = header.readUInt32LE(0);
  const type = header.readUInt32LE(4);
  if (sizeBytes > PAYLOAD_SIZE_BYTES_MAX) throw new SupervisorProtocolError(`frame of ${sizeBytes} bytes`);
  if (!FROM_SUPERVISOR.has(type)) throw new SupervisorProtocolError(`frame type ${type}`);
  return sizeBytes;
}
