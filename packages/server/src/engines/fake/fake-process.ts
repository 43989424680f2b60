/**
 * One process inside a fake sandbox, with the runtime side of the Runtime API: the loop of an official client, on a
 * FakeFunction.
 */
export interface FakeInvocation {
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
}

/** A response, whole (its bytes may be any) or in pieces as they come. */
export type FakeResult = string | Buffer | AsyncIterable<Buffer>;

export type FakeState = Record<string, unknown>;

/**
 * Function of a fake runtime. Its memory is `state`, plain data: a snapshot copies it, each clone goes on with a copy
 * of its own.
 * A step may return, throw (the fake runtime reports it as the official clients do), exit, hang or print.
 */
export interface FakeFunction {
  /**
   * True for a client with hooks, which blocks in restore/next under SnapStart. False: it goes straight to
   * invocation/next.
   */
  readonly hasHooks?: boolean;
  /** True for a runtime that does not end when it is asked to. */
  readonly ignoresSigterm?: boolean;
  init?(process: FakeProcess, state: FakeState): void | Promise<void>;
  beforeSnapshot?(process: FakeProcess, state: FakeState): void | Promise<void>;
  afterRestore?(process: FakeProcess, state: FakeState): void | Promise<void>;
  handle?(process: FakeProcess, invocation: FakeInvocation, state: FakeState): FakeResult | Promise<FakeResult>;
  /** Runs after the response, before the next poll. */
  afterResponse?(process: FakeProcess, state: FakeState): void | Promise<void>;
}

export interface FakeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Body of a call: whole, or in pieces as they come. */
export type FakeBody = Buffer | AsyncIterable<Buffer>;

/** What a listener of the function does with a batch; it returns the status of its answer. */
export type FakeListener = (path: string, body: string) => number | Promise<number>;

/** Services of the sandbox for its process. */
export interface FakeProcessHost {
  listen(port: number, listener: FakeListener): void;
  call(method: string, path: string, headers: Readonly<Record<string, string>>, body: FakeBody): Promise<FakeResponse>;
  print(stream: "stdout" | "stderr", bytes: Buffer): void;
  exit(code: number | null, signal: number | null): void;
  killForMemory(): void;
}

/** Call in which a runtime is parked, and goes on after a restore. */
export type ParkedAt = "restore-next" | "invocation-next";

/** Unwinds a fake process that has ended; never seen outside. */
class ProcessEnded extends Error {}

/** Headers of AWS's clients for a response in pieces. */
const STREAMED = {
  "content-type": "application/octet-stream",
  "lambda-runtime-function-response-mode": "streaming",
};
const CONTENT = { "content-type": "application/json" };
/** Exit code of the official clients after a reported failure. */
const REPORTED_EXIT_CODE = 64;

export class FakeProcess {
  readonly env: Readonly<Record<string, string>>;
  readonly #host: FakeProcessHost;
  readonly #function: FakeFunction;
  readonly #state: FakeState;
  #parkedAt: ParkedAt | null = null;
  #hasEnded = false;

  constructor(host: FakeProcessHost, run: FakeFunction, env: Readonly<Record<string, string>>, state: FakeState) {
    this.#host = host;
    this.#function = run;
    this.env = env;
    this.#state = state;
  }

  get parkedAt(): ParkedAt | null {
    return this.#parkedAt;
  }

  get state(): FakeState {
    return this.#state;
  }

  print(text: string, stream: "stdout" | "stderr" = "stdout"): void {
    this.#host.print(stream, Buffer.from(text));
  }

  /** Ends the process. Never returns. */
  exit(code: number): never {
    this.end(code, null);
    throw new ProcessEnded();
  }

  /** Ends the process as a signal does. Never returns. */
  crash(signal: number): never {
    this.end(null, signal);
    throw new ProcessEnded();
  }

  /** Ends the process as the kernel does for its memory. Never returns. */
  runOutOfMemory(): never {
    this.#host.killForMemory();
    return this.crash(9);
  }

  hang(): Promise<never> {
    return new Promise(() => undefined);
  }

  call(method: string, path: string, body = "", headers: Readonly<Record<string, string>> = {}): Promise<FakeResponse> {
    return this.callBytes(method, path, Buffer.from(body), headers);
  }

  async callBytes(
    method: string,
    path: string,
    body: FakeBody,
    headers: Readonly<Record<string, string>>,
  ): Promise<FakeResponse> {
    const response = await this.#host.call(method, path, headers, body);
    if (this.#hasEnded) throw new ProcessEnded();
    return response;
  }

  end(code: number | null, signal: number | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#host.exit(code, signal);
  }

  /** Ends the process because its sandbox went away: no exit is told. */
  vanish(): void {
    this.#hasEnded = true;
  }

  /** Listens on a port of the loopback. */
  listen(port: number, listener: FakeListener): void {
    this.#host.listen(port, listener);
  }

  /** Runs a script of its own in the place of a runtime's loop. */
  run(script: () => Promise<void>): void {
    this.#run(script);
  }

  start(): void {
    this.#run(async () => {
      if (!(await this.#initialise())) return;
      await this.#serve();
    });
  }

  resume(parkedAt: ParkedAt): void {
    this.#run(async () => {
      if (parkedAt === "restore-next" && !(await this.#waitRestored())) return;
      await this.#serve();
    });
  }

  #run(script: () => Promise<void>): void {
    script().then(
      () => this.end(0, null),
      (error: unknown) => {
        if (!(error instanceof ProcessEnded)) this.end(1, null);
      },
    );
  }

  async #initialise(): Promise<boolean> {
    const isSnapStart = this.env["AWS_LAMBDA_INITIALIZATION_TYPE"] === "snap-start";
    if (!(await this.#try("init", "Runtime.UserCodeError", () => this.#function.init?.(this, this.#state))))
      return false;
    if (!isSnapStart || this.#function.hasHooks === false) return true;
    if (
      !(await this.#try("init", "Runtime.BeforeSnapshotError", () =>
        this.#function.beforeSnapshot?.(this, this.#state),
      ))
    )
      return false;
    return this.#waitRestored();
  }

  async #waitRestored(): Promise<boolean> {
    await this.#park("restore-next", "/2018-06-01/runtime/restore/next");
    return this.#try("restore", "Runtime.AfterRestoreError", () => this.#function.afterRestore?.(this, this.#state));
  }

  async #serve(): Promise<void> {
    for (;;) {
      const next = await this.#park("invocation-next", "/2018-06-01/runtime/invocation/next");
      const requestId = next.headers["Lambda-Runtime-Aws-Request-Id"] ?? "";
      await this.#answer({ requestId, headers: next.headers, payload: next.body });
      await this.#function.afterResponse?.(this, this.#state);
    }
  }

  async #answer(invocation: FakeInvocation): Promise<void> {
    const path = `/2018-06-01/runtime/invocation/${invocation.requestId}`;
    try {
      const result =
        this.#function.handle === undefined ? "null" : await this.#function.handle(this, invocation, this.#state);
      const body = typeof result === "string" ? Buffer.from(result) : result;
      await this.callBytes("POST", `${path}/response`, body, Buffer.isBuffer(body) ? {} : STREAMED);
    } catch (error) {
      if (error instanceof ProcessEnded) throw error;
      await this.call("POST", `${path}/error`, describeError(error), {
        ...CONTENT,
        "lambda-runtime-function-error-type": "Function.Error",
      });
    }
  }

  async #park(at: ParkedAt, path: string): Promise<FakeResponse> {
    this.#parkedAt = at;
    const response = await this.call("GET", path);
    this.#parkedAt = null;
    return response;
  }

  /** Runs a step; reports what it throws and exits, as the official clients do. */
  async #try(report: "init" | "restore", errorType: string, step: () => void | Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      if (error instanceof ProcessEnded) throw error;
      const headers = { ...CONTENT, "lambda-runtime-function-error-type": errorType };
      await this.call("POST", `/2018-06-01/runtime/${report}/error`, describeError(error, errorType), headers);
      this.exit(REPORTED_EXIT_CODE);
    }
  }
}

function describeError(error: unknown, errorType?: string): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return JSON.stringify({ errorType: errorType ?? name, errorMessage: message });
}
