/** The fake of a supervisor: keeps events for a late listener, carries calls of the fake process to it. */
import type {
  ProcessExit,
  RuntimeCall,
  SpawnRequest,
  SupervisorLink,
  SupervisorListener,
} from "../../ports/supervisor.ts";
import type { FakeResponse } from "./fake-process.ts";

/** As the supervisor protocol has it. */
const BODY_SIZE_BYTES_MAX = 6_400_000;

export interface FakeLinkHost {
  spawn(request: SpawnRequest): Promise<{ readonly pid: number }>;
  signal(name: string, signal: number): void;
  /** Called whenever the worker answers a call; a frozen sandbox should get none, and reads it when it is thawed. */
  deliver(what: string, answer: () => void): void;
}

export class FakeLink implements SupervisorLink {
  readonly processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>;
  readonly #host: FakeLinkHost;
  #listener: SupervisorListener | null = null;
  #kept: Array<(listener: SupervisorListener) => void> = [];
  #nextCallId: number;
  #isOpen = true;

  constructor(
    host: FakeLinkHost,
    processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>,
    firstCallId: number,
  ) {
    this.#host = host;
    this.processes = processes;
    this.#nextCallId = firstCallId;
  }

  get nextCallId(): number {
    return this.#nextCallId;
  }

  listen(listener: SupervisorListener): void {
    this.#listener = listener;
    for (const tell of this.#kept.splice(0)) tell(listener);
  }

  spawn(request: SpawnRequest): Promise<{ readonly pid: number }> {
    return this.#host.spawn(request);
  }

  signal(name: string, signal: number): void {
    this.#host.signal(name, signal);
  }

  park(): Promise<readonly number[]> {
    this.#isOpen = false;
    return Promise.resolve([]);
  }

  close(): void {
    this.#isOpen = false;
  }

  lose(): void {
    this.tell((listener) => listener.onLost());
    this.#isOpen = false;
  }

  tell(event: (listener: SupervisorListener) => void): void {
    if (!this.#isOpen) return;
    if (this.#listener === null) this.#kept.push(event);
    else event(this.#listener);
  }

  tellLog(stream: "stdout" | "stderr", bytes: Buffer): void {
    this.tell((listener) => listener.onLog("runtime", stream, bytes));
  }

  tellExit(exit: ProcessExit): void {
    this.tell((listener) => listener.onExit(exit));
  }

  call(method: string, path: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<FakeResponse> {
    return new Promise((resolve) => {
      let isAnswered = false;
      const call: RuntimeCall = {
        id: this.#nextCallId++,
        method,
        path,
        headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
        body: body.subarray(0, BODY_SIZE_BYTES_MAX),
        bodyLength: body.length,
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
    });
  }
}
