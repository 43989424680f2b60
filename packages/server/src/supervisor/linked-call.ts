/**
 * An HTTP call of a process in the sandbox, from its head to our answer. The link writes its body, one reader takes it.
 * The supervisor relays a window of the body, and more when it is asked: a reader that is behind holds up this call and
 * no other.
 */
import { BodyPipe } from "../base/body.ts";
import type { RuntimeCall } from "../ports/supervisor.ts";
import {
  encodeFrame,
  encodeJson,
  FRAME,
  PIECE_SIZE_BYTES,
  SupervisorProtocolError,
  WINDOW_EXCESS_BYTES_MAX,
  WINDOW_SIZE_BYTES,
} from "./frames.ts";

const EMPTY = Buffer.alloc(0);

export interface CallHead {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyArray<readonly [string, string]>;
}

export interface CallEnd {
  /** Real length of a body of which only the beginning was relayed. */
  readonly length?: number;
  readonly trailers?: ReadonlyArray<readonly [string, string]>;
}

/** The part of the link that a call needs. */
export interface CallLink {
  send(frames: readonly Buffer[]): void;
  /** Called when the call is answered. */
  forget(): void;
}

export class LinkedCall implements RuntimeCall {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  trailers: ReadonlyMap<string, string> = new Map();
  readonly body: BodyPipe;
  isAbandoned = false;
  readonly #link: CallLink;
  #isAnswered = false;
  #receivedBytes = 0;
  /** Bytes that the supervisor may relay, counted from the beginning of the body. */
  #allowedBytes = WINDOW_SIZE_BYTES;
  #isHeldUp = false;
  #isSkipped = false;

  constructor(id: number, head: CallHead, link: CallLink) {
    this.id = id;
    this.method = head.method;
    this.path = head.path;
    this.headers = new Map(head.headers);
    this.#link = link;
    this.body = new BodyPipe({
      pause: () => {
        this.#isHeldUp = true;
      },
      resume: () => {
        this.#isHeldUp = false;
        this.#askForMore();
      },
      skip: () => this.#skip(),
    });
  }

  /** Takes a piece of the body. Throws SupervisorProtocolError where it was not asked for. */
  receive(bytes: Buffer): void {
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes > this.#allowedBytes + WINDOW_EXCESS_BYTES_MAX)
      throw new SupervisorProtocolError("more of a body than was asked for");
    this.body.push(bytes);
    this.#askForMore();
  }

  end({ length, trailers = [] }: CallEnd): void {
    this.trailers = new Map(trailers);
    this.body.end(length);
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
    this.#link.send(frames);
  }

  abort(): void {
    if (this.#takeTurn()) this.#link.send([encodeFrame(FRAME.responseAbort, this.id, EMPTY)]);
  }

  #takeTurn(): boolean {
    if (this.#isAnswered || this.isAbandoned) return false;
    this.#isAnswered = true;
    // An answer that comes before the end of the request wants nothing more of it.
    if (!this.body.hasEnded) {
      this.body.cancel();
      this.body.fail();
    }
    this.#link.forget();
    return true;
  }

  /** Asks for a whole window again, once half of the last one is used up. */
  #askForMore(): void {
    if (this.#isHeldUp || this.#isSkipped || this.#isAnswered || this.body.hasEnded) return;
    const moreBytes = this.#receivedBytes + WINDOW_SIZE_BYTES - this.#allowedBytes;
    if (moreBytes < WINDOW_SIZE_BYTES / 2) return;
    this.#allowedBytes += moreBytes;
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(moreBytes);
    this.#link.send([encodeFrame(FRAME.requestMore, this.id, payload)]);
  }

  #skip(): void {
    if (this.#isSkipped || this.#isAnswered) return;
    this.#isSkipped = true;
    this.#link.send([encodeFrame(FRAME.requestSkip, this.id, EMPTY)]);
  }
}
