/**
 * The control plane's end: connections to one worker, and what a call there can end with. A call is sent once. Where no
 * connection was made, nothing was run; where one was lost, that is not known, and nothing is sent again.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { KeyedCertificate } from "../base/certificates.ts";
import { workerName } from "../model/cluster-names.ts";
import { type PlatformCode, PLATFORM_ERRORS, ThawError } from "../model/platform-errors.ts";
import { dataFrames, FRAME, FrameError, FrameReader, jsonFrame } from "./frames.ts";
import {
  type CallName,
  CONTENT_TYPE,
  JSON_BYTES_MAX,
  PROTOCOL,
  PROTOCOL_HEADER,
  type SentFailure,
} from "./protocol.ts";

export interface WorkerAddress {
  readonly workerId: string;
  readonly host: string;
  readonly port: number;
  /** For CONTROL_NAME. */
  readonly identity: KeyedCertificate;
  /** The certificate of the installation's authority, as PEM. */
  readonly authority: string;
}

/** An error that the worker answered with, or the lack of an answer. */
export class RemoteError extends ThawError {
  /** Packages that the worker needs first. */
  readonly missing: readonly string[];

  constructor(
    code: PlatformCode,
    publicMessage: string,
    detail: Readonly<Record<string, unknown>>,
    missing: readonly string[] = [],
  ) {
    super(code, { publicMessage, detail });
    this.missing = missing;
  }
}

/** Throws what is no RemoteError. */
export function toRefusal(error: unknown): { kind: "platform-error"; code: PlatformCode; message: string } {
  if (!(error instanceof RemoteError)) throw error;
  return { kind: "platform-error", code: error.code, message: error.publicMessage };
}

/** What comes of a call. `over` is the last, and comes once: null where the answer came whole. */
export interface AnswerTaker {
  json(kind: number, value: unknown): void;
  data(piece: Buffer): void;
  over(error: Error | null): void;
}

interface AskOptions {
  /** Cancels the call at the worker, too. */
  readonly signal?: AbortSignal;
  readonly payload?: Buffer;
}

interface Sent {
  readonly name: CallName;
  readonly head: unknown;
  readonly payload?: Buffer;
  /** True: the worker is told by `end` that the answer is not wanted any more. */
  readonly isCancellable?: boolean;
}

/** A call that has been sent. */
export interface OpenCall {
  /** Cancels a call that is cancellable. */
  end(): void;
  pause(): void;
  resume(): void;
}

export class Connections {
  readonly #address: WorkerAddress;
  readonly #agent: Agent;

  constructor(address: WorkerAddress) {
    this.#address = address;
    this.#agent = new Agent({
      keepAlive: true,
      key: address.identity.key,
      cert: address.identity.certificate,
      ca: address.authority,
      servername: workerName(address.workerId),
      minVersion: "TLSv1.3",
    });
  }

  /** Asks for one value. Rejects with a RemoteError, or with an Error of the worker's. */
  ask(name: CallName, head: unknown, { signal, payload }: AskOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let value: { readonly is: unknown } | null = null;
      const isCancellable = signal !== undefined;
      const call = this.begin(
        { name, head, isCancellable, ...(payload === undefined ? {} : { payload }) },
        {
          json: (kind, json) => {
            if (kind === FRAME.value) value = { is: json };
          },
          data: () => undefined,
          over: (error) => {
            signal?.removeEventListener("abort", cancel);
            if (error === null && value !== null) resolve(value.is);
            else reject(error ?? this.#lost("an answer without a value"));
          },
        },
      );
      const cancel = (): void => call.end();
      if (signal?.aborted === true) cancel();
      else signal?.addEventListener("abort", cancel);
    });
  }

  begin({ name, head, payload, isCancellable = false }: Sent, taker: AnswerTaker): OpenCall {
    const request = this.#request(name);
    const frames = [jsonFrame(FRAME.value, head), ...(payload === undefined ? [] : dataFrames(payload))];
    if (isCancellable) for (const each of frames) request.write(each);
    else {
      request.setHeader(
        "Content-Length",
        frames.reduce((sum, each) => sum + each.length, 0),
      );
      request.cork();
      for (const each of frames) request.write(each);
      request.end();
      request.uncork();
    }
    const answer = new Answer(request, taker, (cause, wasSent) =>
      wasSent ? this.#lost(cause) : this.#unreachable(cause),
    );
    return {
      end: () => request.end(),
      pause: () => answer.pause(),
      resume: () => answer.resume(),
    };
  }

  /** Hangs up: all calls under way end as lost. Later ones connect anew. */
  cut(): void {
    this.#agent.destroy();
  }

  #request(name: CallName): ClientRequest {
    const { host, port } = this.#address;
    return httpsRequest({
      agent: this.#agent,
      method: "POST",
      host,
      port,
      path: `/${name}`,
      headers: { "Content-Type": CONTENT_TYPE, [PROTOCOL_HEADER]: PROTOCOL },
    });
  }

  #lost(cause: unknown): RemoteError {
    return this.#error("WORKER_LOST", cause);
  }

  #unreachable(cause: unknown): RemoteError {
    return this.#error("WORKER_UNREACHABLE", cause);
  }

  #error(code: "WORKER_LOST" | "WORKER_UNREACHABLE", cause: unknown): RemoteError {
    const { workerId, host, port } = this.#address;
    return new RemoteError(code, PLATFORM_ERRORS[code].message, {
      workerId,
      address: `${host}:${port}`,
      cause: String(cause),
    });
  }
}

/** Reads an answer to its end, or to the end of its connection. */
class Answer {
  readonly #taker: AnswerTaker;
  readonly #toError: (cause: unknown, wasSent: boolean) => Error;
  #response: IncomingMessage | null = null;
  #wasConnected = false;
  #failure: Error | null = null;
  #isOver = false;
  #isPaused = false;

  constructor(request: ClientRequest, taker: AnswerTaker, toError: (cause: unknown, wasSent: boolean) => Error) {
    this.#taker = taker;
    this.#toError = toError;
    request.on("socket", (socket) => {
      if (request.reusedSocket) this.#wasConnected = true;
      else socket.once("secureConnect", () => (this.#wasConnected = true));
    });
    request.on("error", (error) => this.#end(error));
    request.on("close", () => this.#end("the connection was closed"));
    request.on("response", (response) => {
      this.#read(response);
      // One that could be cancelled has been answered.
      response.on("end", () => request.end());
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#response?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#response?.resume();
  }

  #read(response: IncomingMessage): void {
    this.#response = response;
    const reader = new FrameReader(
      {
        json: (kind, value) => {
          if (kind === FRAME.failure) this.#failure = toError(value as SentFailure);
          else this.#taker.json(kind, value);
        },
        data: (piece) => this.#taker.data(piece),
      },
      JSON_BYTES_MAX,
    );
    response.on("data", (bytes: Buffer) => {
      try {
        reader.push(bytes);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        response.destroy();
        this.#end(error);
      }
    });
    response.on("error", (error) => this.#end(error));
    response.on("end", () => this.#end(reader.isAtRest ? null : "an answer that was cut off"));
    if (this.#isPaused) response.pause();
  }

  #end(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#taker.over(cause === null ? this.#failure : this.#toError(cause, this.#wasConnected));
  }
}

function toError({ code, message, missing }: SentFailure): Error {
  if (code === null) return new Error(message);
  // A code that this release does not know is none of its own.
  if (!Object.hasOwn(PLATFORM_ERRORS, code)) return new Error(`${code}: ${message}`);
  return new RemoteError(code as PlatformCode, message, {}, missing);
}
