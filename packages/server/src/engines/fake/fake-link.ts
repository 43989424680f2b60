/** The fake of a supervisor: keeps events for a late listener, carries calls of the fake process to it. */
import type { Duplex } from "node:stream";
import {
  type DirectoryEntry,
  type OutwardConnection,
  type OutwardRequest,
  type ProcessExit,
  type RuntimeCall,
  type SpawnRequest,
  type SupervisorLink,
  SupervisorLostError,
  type SupervisorListener,
} from "../../ports/supervisor.ts";
import { BodyPipe } from "../../base/body.ts";
import type { FakeBody, FakeResponse } from "./fake-process.ts";

export interface FakeLinkHost {
  spawn(request: SpawnRequest): Promise<{ readonly pid: number }>;
  signal(name: string, signal: number): void;
  list(path: string): readonly DirectoryEntry[];
  reset(): Promise<void>;
  keep(text: string): void;
  post(request: OutwardRequest): Promise<number>;
  connect(port: number): OutwardConnection;
  tunnel(port: number): Promise<Duplex>;
  /** Called whenever the worker answers a call; a frozen sandbox should get none, and reads it when it is thawed. */
  deliver(what: string, answer: () => void): void;
}

export class FakeLink implements SupervisorLink {
  processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>;
  kept: string | null;
  readonly #host: FakeLinkHost;
  #listener: SupervisorListener | null = null;
  #kept: Array<(listener: SupervisorListener) => void> = [];
  /** Bodies that have not come to their end. */
  readonly #sending = new Set<BodyPipe>();
  readonly #lost = Promise.withResolvers<never>();
  #nextCallId: number;
  #isOpen = true;

  constructor(
    host: FakeLinkHost,
    processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>,
    firstCallId: number,
    kept: string | null,
  ) {
    this.#host = host;
    this.kept = kept;
    this.processes = processes;
    this.#nextCallId = firstCallId;
    this.#lost.promise.catch(() => undefined);
  }

  get nextCallId(): number {
    return this.#nextCallId;
  }

  listen(listener: SupervisorListener): void {
    this.#listener = listener;
    for (const tell of this.#kept.splice(0)) tell(listener);
  }

  spawn(request: SpawnRequest): Promise<{ readonly pid: number }> {
    return this.#answered(() => this.#host.spawn(request));
  }

  signal(name: string, signal: number): void {
    this.#host.signal(name, signal);
  }

  list(path: string): Promise<readonly DirectoryEntry[]> {
    return this.#answered(async () => this.#host.list(path));
  }

  keep(text: string): void {
    this.#host.keep(text);
  }

  post(request: OutwardRequest): Promise<number> {
    return this.#host.post(request);
  }

  connect(port: number): OutwardConnection {
    return this.#host.connect(port);
  }

  tunnel(port: number): Promise<Duplex> {
    return this.#host.tunnel(port);
  }

  async reset(): Promise<boolean> {
    await this.#host.reset();
    this.hangUp();
    this.processes = [];
    this.kept = null;
    return true;
  }

  park(): Promise<readonly number[]> {
    this.#isOpen = false;
    return Promise.resolve([]);
  }

  close(): void {
    this.#isOpen = false;
    this.hangUp();
  }

  lose(): void {
    this.hangUp();
    this.tell((listener) => listener.onLost());
    this.#isOpen = false;
    this.#lost.reject(new SupervisorLostError());
  }

  /** The process closes its connections: what it was sending is cut. */
  hangUp(): void {
    for (const pipe of this.#sending) pipe.fail();
    this.#sending.clear();
  }

  tell(event: (listener: SupervisorListener) => void): void {
    if (!this.#isOpen) return;
    if (this.#listener === null) this.#kept.push(event);
    else event(this.#listener);
  }

  tellLog(source: string, stream: "stdout" | "stderr", bytes: Buffer): void {
    this.tell((listener) => listener.onLog(source, stream, bytes));
  }

  tellExit(exit: ProcessExit): void {
    this.tell((listener) => listener.onExit(exit));
  }

  call(method: string, path: string, headers: Readonly<Record<string, string>>, body: FakeBody): Promise<FakeResponse> {
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const pipe = new BodyPipe();
      const call: RuntimeCall = {
        id: this.#nextCallId++,
        method,
        path,
        headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
        trailers: new Map(),
        body: pipe,
        isAbandoned: false,
        respond: (status, responseHeaders, responseBody) => {
          if (isAnswered) return;
          isAnswered = true;
          this.#host.deliver(`answer of ${method} ${path}`, () =>
            resolve({ status, headers: responseHeaders, body: responseBody.toString() }),
          );
        },
        abort: () => {
          isAnswered = true;
        },
      };
      this.tell((listener) => listener.onCall(call));
      if (Buffer.isBuffer(body)) {
        pipe.push(body);
        pipe.end();
      } else {
        this.#send(pipe, body, (trailers) => Object.assign(call, { trailers })).catch(reject);
      }
    });
  }

  /** Asks as long as there is a connection, as the real link does. */
  #answered<T>(ask: () => Promise<T>): Promise<T> {
    return this.#isOpen ? Promise.race([ask(), this.#lost.promise]) : Promise.reject(new SupervisorLostError());
  }

  /** An error of the body is told in the trailers, as AWS's clients do. */
  async #send(
    pipe: BodyPipe,
    body: AsyncIterable<Buffer>,
    tell: (trailers: ReadonlyMap<string, string>) => void,
  ): Promise<void> {
    this.#sending.add(pipe);
    try {
      for await (const piece of body) if (this.#sending.has(pipe)) pipe.push(piece);
    } catch (error) {
      if (this.#sending.has(pipe)) tell(errorTrailers(error));
    }
    if (this.#sending.delete(pipe)) pipe.end();
  }
}

function errorTrailers(error: unknown): ReadonlyMap<string, string> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const document = JSON.stringify({ errorType: name, errorMessage: message });
  return new Map([
    ["lambda-runtime-function-error-type", "Function.Error"],
    ["lambda-runtime-function-error-body", Buffer.from(document).toString("base64")],
  ]);
}
