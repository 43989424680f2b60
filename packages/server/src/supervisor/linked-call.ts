/**
 * An HTTP call of a process in the sandbox, from its head to our answer. The link writes its body, one reader takes it.
 */
import { BodyPipe, type BodySource } from "../base/body.ts";
import type { RuntimeCall } from "../ports/supervisor.ts";
import { encodeFrame, encodeJson, FRAME, PIECE_SIZE_BYTES } from "./frames.ts";

const EMPTY = Buffer.alloc(0);

export interface CallHead {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyArray<readonly [string, string]>;
}

export class LinkedCall implements RuntimeCall {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: BodyPipe;
  isAbandoned = false;
  readonly #send: (frames: readonly Buffer[]) => void;
  #isAnswered = false;

  constructor(id: number, head: CallHead, source: BodySource, send: (frames: readonly Buffer[]) => void) {
    this.id = id;
    this.method = head.method;
    this.path = head.path;
    this.headers = new Map(head.headers);
    this.body = new BodyPipe(source);
    this.#send = send;
  }

  abandon(): void {
    this.isAbandoned = true;
    this.body.fail();
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
    // An answer that comes before the end of the request wants nothing more of it.
    if (!this.body.hasEnded) {
      this.body.cancel();
      this.body.fail();
    }
    return true;
  }
}
