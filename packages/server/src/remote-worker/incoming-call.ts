/** A call that a control plane makes, at the worker's end: what was sent, and the frames of the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { dataFrame, FRAME, FrameError, FrameReader, jsonFrame } from "./frames.ts";
import { CALL_BYTES_MAX, CONTENT_TYPE } from "./protocol.ts";

export class IncomingCall {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #sizeBytesMax: number;
  readonly #head = Promise.withResolvers<unknown>();
  readonly #payload = Promise.withResolvers<Buffer>();
  readonly #over = new AbortController();
  readonly #pieces: Buffer[] = [];
  #sizeBytes = 0;

  constructor(request: IncomingMessage, response: ServerResponse, sizeBytesMax: number = CALL_BYTES_MAX) {
    this.#request = request;
    this.#response = response;
    this.#sizeBytesMax = sizeBytesMax;
    this.#head.promise.catch(() => undefined);
    this.#payload.promise.catch(() => undefined);
    response.on("close", () => this.#over.abort());
    response.on("error", () => undefined);
    this.#read();
  }

  /** The JSON of the call. Rejects with a FrameError where it is none. */
  get head(): Promise<unknown> {
    return this.#head.promise;
  }

  /** Resolves with the bytes that follow, when the caller has sent everything. */
  get payload(): Promise<Buffer> {
    return this.#payload.promise;
  }

  /** Aborted when the caller has sent its last byte, or is gone: it keeps a call open that it may cancel. */
  get isOver(): AbortSignal {
    return this.#over.signal;
  }

  /** Answers with these frames, all at once where nothing was sent before. */
  end(...frames: readonly Buffer[]): void {
    const response = this.#response;
    if (!response.headersSent) {
      const sizeBytes = frames.reduce((sum, each) => sum + each.length, 0);
      response.writeHead(200, { "Content-Type": CONTENT_TYPE, "Content-Length": sizeBytes });
      // Not where chunks are sent: Node.js 24 writes the end of such a body before what was corked.
      response.cork();
    }
    for (const each of frames) response.write(each);
    response.end();
    response.uncork();
  }

  /** Sends a frame now; false: the caller is gone. Resolves when there is room for the next one. */
  async send(frame: Buffer): Promise<boolean> {
    const response = this.#response;
    if (!response.headersSent) response.writeHead(200, { "Content-Type": CONTENT_TYPE });
    if (!response.destroyed && !response.write(frame)) await hasRoom(response);
    return !response.destroyed;
  }

  sendData(piece: Buffer): Promise<boolean> {
    return this.send(dataFrame(piece));
  }

  #read(): void {
    const reader = new FrameReader(
      {
        json: (kind, value) => {
          if (kind === FRAME.value) this.#head.resolve(value);
        },
        data: (piece) => void this.#pieces.push(piece),
      },
      CALL_BYTES_MAX,
    );
    this.#request.on("data", (bytes: Buffer) => {
      try {
        this.#sizeBytes += bytes.length;
        if (this.#sizeBytes > this.#sizeBytesMax)
          throw new FrameError(`a call of more than ${this.#sizeBytesMax} bytes`);
        reader.push(bytes);
      } catch (error) {
        this.#fail(error);
      }
    });
    this.#request.on("end", () => {
      if (!reader.isAtRest) this.#fail(new FrameError("a call that was cut off"));
      this.#head.reject(new FrameError("a call without a head"));
      this.#payload.resolve(Buffer.concat(this.#pieces));
      this.#over.abort();
    });
    this.#request.on("error", (error) => this.#fail(error));
  }

  /** Hangs up: what follows can't be read. */
  #fail(error: unknown): void {
    this.#head.reject(error);
    this.#payload.reject(error);
    this.#request.destroy();
  }
}

/** Resolves also when the other end is gone. */
function hasRoom(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

export function valueFrame(value: unknown): Buffer {
  return jsonFrame(FRAME.value, value ?? null);
}
