/** One HTTP call of a process in the sandbox, from its head to our answer. */
import type { RuntimeCall } from "../ports/supervisor.ts";
import { encodeFrame, encodeJson, FRAME, PIECE_SIZE_BYTES } from "./frames.ts";

const EMPTY = Buffer.alloc(0);

export class LinkedCall implements RuntimeCall {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  body: Buffer = EMPTY;
  bodyLength = 0;
  isAbandoned = false;
  isComplete = false;
  readonly #send: (frames: readonly Buffer[]) => void;
  #parts: Buffer[] = [];
  #isAnswered = false;

  constructor(
    id: number,
    method: string,
    path: string,
    headers: ReadonlyMap<string, string>,
    send: (frames: readonly Buffer[]) => void,
  ) {
    this.id = id;
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.#send = send;
  }

  addBody(bytes: Buffer): void {
    this.#parts.push(bytes);
  }

  complete(fullLength: number | null): void {
    this.body = Buffer.concat(this.#parts);
    this.#parts = [];
    this.bodyLength = fullLength ?? this.body.length;
    this.isComplete = true;
  }

  abandon(): void {
    this.isAbandoned = true;
  }

  respond(status: number, headers: Readonly<Record<string, string>>, body: string | Buffer): void {
    if (!this.#takeTurn()) return;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const frames = [
      encodeJson(FRAME.responseHead, this.id, { status, headers: Object.entries(headers), length: bytes.length }),
    ];
    for (let from = 0; from < bytes.length; from += PIECE_SIZE_BYTES) {
      frames.push(encodeFrame(FRAME.responseBody, this.id, bytes.subarray(from, from + PIECE_SIZE_BYTES)));
    }
    frames.push(encodeFrame(FRAME.responseEnd, this.id, EMPTY));
    this.#send(frames);
  }

  abort(): void {
    if (this.#takeTurn()) this.#send([encodeFrame(FRAME.responseAbort, this.id, EMPTY)]);
  }

  #takeTurn(): boolean {
    if (this.#isAnswered || this.isAbandoned) return false;
    this.#isAnswered = true;
    return true;
  }
}
