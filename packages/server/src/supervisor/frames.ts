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
  #parts: Buffer[] = [];
  #size = 0;

  *push(bytes: Buffer): Generator<Frame> {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    while (this.#size >= HEADER_SIZE_BYTES) {
      const head = this.#peekHeader();
      const sizeBytes = head.readUInt32LE(0);
      const type = head.readUInt32LE(4);
      if (sizeBytes > PAYLOAD_SIZE_BYTES_MAX) throw new SupervisorProtocolError(`frame of ${sizeBytes} bytes`);
      if (!FROM_SUPERVISOR.has(type)) throw new SupervisorProtocolError(`frame type ${type}`);
      if (this.#size < HEADER_SIZE_BYTES + sizeBytes) return;
      const frame = this.#take(HEADER_SIZE_BYTES + sizeBytes);
      yield { type, callId: frame.readUInt32LE(8), payload: frame.subarray(HEADER_SIZE_BYTES) };
    }
  }

  #peekHeader(): Buffer {
    const first = this.#parts[0] as Buffer;
    if (first.length < HEADER_SIZE_BYTES) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] as Buffer;
  }

  #take(size: number): Buffer {
    const first = this.#parts[0] as Buffer;
    const all = first.length >= size ? first : Buffer.concat(this.#parts);
    if (all !== first) this.#parts = [all];
    const taken = all.subarray(0, size);
    if (all.length === size) this.#parts.shift();
    else this.#parts[0] = all.subarray(size);
    this.#size -= size;
    return taken;
  }
}
