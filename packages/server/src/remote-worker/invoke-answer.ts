/** The answer to an invoke while it comes: an outcome, and the bytes of a response. */
import { BodyPipe, BodyTooLargeError, wholeBody } from "../base/body.ts";
import type { InvokeOutcome, StreamCompletion } from "../ports/worker.ts";
import type { AnswerTaker, OpenCall } from "./connections.ts";
import { FRAME } from "./frames.ts";
import { fromBase64, type SentCompletion, type SentEnd, type SentOutcome, type SentResponse } from "./protocol.ts";

/** As the worker itself tells of an environment that is gone. */
const LOST: StreamCompletion = { error: { code: "Sandbox.Failure", details: "" }, logTail: null };

interface Streamed {
  readonly pipe: BodyPipe;
  readonly complete: (completion: StreamCompletion) => void;
}

/**
 * A response that is streamed is handed on from its head on. Any other one is handed on when all of it is there: until
 * then a lost connection is an outcome of its own.
 */
export class InvokeAnswer implements AnswerTaker {
  readonly #resolve: (outcome: InvokeOutcome) => void;
  readonly #reject: (error: Error) => void;
  readonly #pieces: Buffer[] = [];
  #head: SentOutcome | null = null;
  #streamed: Streamed | null = null;
  #isWhole = false;
  #call: OpenCall | null = null;

  constructor(resolve: (outcome: InvokeOutcome) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  comesFrom(call: OpenCall): void {
    this.#call = call;
  }

  json(kind: number, value: unknown): void {
    if (kind === FRAME.value) this.#begin(value as SentOutcome);
    else if (kind === FRAME.dataEnd) this.#endData(value as SentEnd);
    else if (kind === FRAME.completion) {
      const { error, logTail } = value as SentCompletion;
      this.#streamed?.complete({ error, logTail: fromBase64(logTail) });
    }
  }

  data(piece: Buffer): void {
    if (this.#streamed === null) this.#pieces.push(piece);
    else this.#streamed.pipe.push(piece);
  }

  over(error: Error | null): void {
    if (this.#streamed !== null) {
      // Neither does anything where its end has come.
      this.#streamed.pipe.fail();
      this.#streamed.complete(LOST);
    } else if (error !== null) this.#reject(error);
    else if (this.#head !== null && this.#head.kind !== "response") this.#resolve(this.#head);
    else if (this.#head !== null && this.#isWhole) this.#resolve(this.#whole(this.#head));
    else this.#reject(new Error("the worker's answer to an invoke has no end"));
  }

  #begin(head: SentOutcome): void {
    this.#head = head;
    if (head.kind !== "response" || head.stream === null) return;
    const pipe = new BodyPipe({
      pause: () => this.#call?.pause(),
      resume: () => this.#call?.resume(),
      skip: () => undefined,
    });
    const { promise: completion, resolve: complete } = Promise.withResolvers<StreamCompletion>();
    this.#streamed = { pipe, complete };
    const { contentType } = head.stream;
    this.#resolve({ ...head, payload: pipe, logTail: null, stream: { contentType, completion } });
  }

  #endData(end: SentEnd): void {
    this.#isWhole = end.kind === "whole";
    const pipe = this.#streamed?.pipe;
    if (end.kind === "whole") pipe?.end();
    else if (end.kind === "cut") pipe?.fail();
    else pipe?.fail(new BodyTooLargeError(end.sizeBytesMax));
  }

  #whole(head: SentResponse): InvokeOutcome {
    const [first = Buffer.alloc(0), ...more] = this.#pieces;
    const payload = wholeBody(more.length === 0 ? first : Buffer.concat(this.#pieces));
    return { ...head, payload, logTail: fromBase64(head.logTail), stream: null };
  }
}
