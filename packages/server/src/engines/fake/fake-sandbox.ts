/**
 * A sandbox of the fake engine: a fake runtime and its extensions, a freezer that notices work while frozen, and
 * counters.
 */
import { Duplex } from "node:stream";
import type { EnvironmentId } from "../../base/ids.ts";
import { Slots } from "../../base/slots.ts";
import type { Phase } from "../../model/phases.ts";
import type { Sandbox, SandboxExit, SandboxObservation, SandboxSpec, SandboxUsage } from "../../ports/engine.ts";
import { type OutwardRequest, SpawnFailedError, type SpawnRequest } from "../../ports/supervisor.ts";
import type { FakeExtension, FakeExtensionImage } from "./fake-extension.ts";
import { FakeLink } from "./fake-link.ts";
import {
  type FakeFunction,
  type FakeListener,
  FakeProcess,
  type FakeProcessHost,
  type FakeState,
  type ParkedAt,
} from "./fake-process.ts";

const SIGTERM = 15;
const RUNTIME_PID = 1003;

export type FakeStep =
  | "create"
  | "spawn"
  | "reset"
  | "freeze"
  | "thaw"
  | "boost"
  | "usage"
  | "destroy"
  | "take"
  | "restore";

/** Services of the engine for its sandboxes. */
export interface FakeSandboxOwner {
  readonly live: Set<FakeSandbox>;
  readonly extensions: Readonly<Record<string, FakeExtension | null>>;
  readonly violations: string[];
  step(step: FakeStep, spec: SandboxSpec): Promise<void>;
}

/** The part of a sandbox that is in a snapshot. */
export interface FakeImage {
  readonly state: FakeState;
  readonly env: Readonly<Record<string, string>>;
  readonly parkedAt: ParkedAt;
  readonly nextCallId: number;
  readonly extensions: readonly FakeExtensionImage[];
  readonly kept: string | null;
}

export class FakeSandbox implements Sandbox {
  readonly environmentId: EnvironmentId;
  readonly spec: SandboxSpec;
  readonly link: FakeLink;
  readonly phases: readonly Phase[] = [{ name: "sandbox", startMs: 0, durationMs: 1 }];
  readonly exited: Promise<SandboxExit>;
  readonly gone: Promise<void>;
  readonly #engine: FakeSandboxOwner;
  readonly #function: FakeFunction;
  #process: FakeProcess | null = null;
  /** Processes of extensions, by the name of their program. */
  readonly #extensions = new Map<string, FakeProcess>();
  readonly #listeners = new Map<number, FakeListener>();
  /** Signals that processes were sent: `runtime 15`. */
  readonly signals: string[] = [];
  #kept: string | null;
  #tellExited: (exit: SandboxExit) => void = () => undefined;
  #tellGone: () => void = () => undefined;
  #isFrozen = false;
  /** One at a time, as the port promises. */
  readonly #commands = new Slots(1);
  readonly #undelivered: Array<() => void> = [];
  #isGone = false;
  #oomKills = 0;

  constructor(engine: FakeSandboxOwner, spec: SandboxSpec, run: FakeFunction, image: FakeImage | null = null) {
    this.#engine = engine;
    this.spec = spec;
    this.environmentId = spec.environmentId;
    this.#function = run;
    this.exited = new Promise((resolve) => {
      this.#tellExited = resolve;
    });
    this.gone = new Promise((resolve) => {
      this.#tellGone = resolve;
    });
    const host = {
      spawn: (request: SpawnRequest) => this.#spawn(request),
      signal: (name: string, signal: number) => this.#signal(name, signal),
      deliver: (what: string, answer: () => void) => this.#deliver(what, answer),
      list: (path: string) =>
        path === "/opt/extensions" ? Object.keys(engine.extensions).map((name) => ({ name, isDirectory: false })) : [],
      reset: () => this.#reset(),
      keep: (text: string) => {
        this.#kept = text;
      },
      post: (request: OutwardRequest) => this.#post(request),
      connect: (port: number) => ({
        write: async (bytes: Buffer) => void (await this.#listenerOf(port)("", bytes.toString())),
        close: () => undefined,
      }),
      tunnel: (port: number) => this.#tunnel(port),
    };
    this.#kept = image?.kept ?? null;
    const processes = image === null ? [] : ["runtime", ...image.extensions.map(({ name }) => `extension/${name}`)];
    this.link = new FakeLink(
      host,
      processes.map((name) => ({ name, pid: RUNTIME_PID })),
      image?.nextCallId ?? 1,
      this.#kept,
    );
  }

  freeze(): Promise<void> {
    return this.#commands.run(async () => {
      await this.#engine.step("freeze", this.spec);
      this.#isFrozen = true;
    });
  }

  thaw(): Promise<void> {
    return this.#commands.run(async () => {
      await this.#engine.step("thaw", this.spec);
      this.#isFrozen = false;
      for (const answer of this.#undelivered.splice(0)) answer();
    });
  }

  boost(): Promise<void> {
    return this.#commands.run(() => this.#engine.step("boost", this.spec));
  }

  async usage(): Promise<SandboxUsage> {
    await this.#engine.step("usage", this.spec);
    return { memoryBytes: 40 * 1024 * 1024, memoryMaxBytes: 42.5 * 1024 * 1024, oomKills: this.#oomKills };
  }

  async observe(): Promise<SandboxObservation> {
    const sent = this.spec.recordsSent ? { connections: [], isCut: false } : null;
    return { processes: [], sentPackets: 0, sentBytes: 0, receivedBytes: 0, sentDatagrams: 0, peers: [], sent };
  }

  async destroy(): Promise<void> {
    await this.#engine.step("destroy", this.spec);
    this.vanish();
    this.#tellGone();
  }

  /** Removes the sandbox without news. */
  vanish(): void {
    this.#isGone = true;
    this.#vanishProcesses();
    this.link.close();
    this.#engine.live.delete(this);
  }

  /** Ends the whole sandbox as if it died by itself. */
  die(oom: boolean): void {
    this.#vanishProcesses();
    this.link.lose();
    this.#tellExited({ oom, snapshotDamaged: false });
  }

  image(): FakeImage {
    const process = this.#process;
    const parkedAt = process?.parkedAt ?? null;
    if (process === null || parkedAt === null) throw new Error("fake engine: the runtime is not parked");
    const extensions = [...this.#extensions].map(([name, { env, state }]) => ({ name, env, state }));
    const { nextCallId } = this.link;
    return { state: process.state, env: process.env, parkedAt, nextCallId, extensions, kept: this.#kept };
  }

  resume({ env, state, parkedAt, extensions }: FakeImage): void {
    this.#process = new FakeProcess(this.#host("runtime"), this.#function, env, state);
    this.#process.resume(parkedAt);
    for (const image of extensions) {
      const extension = this.#engine.extensions[image.name];
      const process = this.#addExtension(image.name, image.env, image.state);
      process.run(async () => extension?.resume?.(process, image.state));
    }
  }

  async #spawn({ name, env }: SpawnRequest): Promise<{ readonly pid: number }> {
    await this.#engine.step("spawn", this.spec);
    if (name === "runtime") {
      this.#process = new FakeProcess(this.#host(name), this.#function, env, {});
      this.#process.start();
      return { pid: RUNTIME_PID };
    }
    const program = name.slice("extension/".length);
    const extension = this.#engine.extensions[program] ?? null;
    if (extension === null) throw new SpawnFailedError("EACCES");
    const state: FakeState = {};
    const process = this.#addExtension(program, env, state);
    process.run(() => extension.start(process, state));
    return { pid: RUNTIME_PID + this.#extensions.size };
  }

  #addExtension(name: string, env: Readonly<Record<string, string>>, state: FakeState): FakeProcess {
    const process = new FakeProcess(this.#host(`extension/${name}`), {}, env, state);
    this.#extensions.set(name, process);
    return process;
  }

  #signal(name: string, signal: number): void {
    this.signals.push(`${name} ${signal}`);
    if (name === "runtime" && signal === SIGTERM && this.#function.ignoresSigterm === true) return;
    const process = name === "runtime" ? this.#process : this.#extensions.get(name.slice("extension/".length));
    process?.end(null, signal);
  }

  #listenerOf(port: number): FakeListener {
    const listener = this.#listeners.get(port);
    if (listener === undefined) throw new Error("ECONNREFUSED");
    return listener;
  }

  /** Says each piece again that the listener took. */
  async #tunnel(port: number): Promise<Duplex> {
    const listener = this.#listenerOf(port);
    return new Duplex({
      read: () => undefined,
      write(bytes: Buffer, _encoding, done) {
        const told = Promise.resolve(listener("", bytes.toString()));
        told.then(() => {
          this.push(bytes);
          done();
        }, done);
      },
    });
  }

  async #post({ port, path, body, signal }: OutwardRequest): Promise<number> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(new Error("aborted")));
    return Promise.race([this.#listenerOf(port)(path, body.toString()), aborted]);
  }

  async #reset(): Promise<void> {
    await this.#engine.step("reset", this.spec);
    this.#vanishProcesses();
    this.#process = null;
    this.#extensions.clear();
    this.#listeners.clear();
    this.#kept = null;
  }

  #vanishProcesses(): void {
    this.#process?.vanish();
    for (const process of this.#extensions.values()) process.vanish();
  }

  #host(name: string): FakeProcessHost {
    return {
      listen: (port, listener) => void this.#listeners.set(port, listener),
      call: (method, path, headers, body) => this.link.call(method, path, headers, body),
      print: (stream, bytes) => this.link.tellLog(name, stream, bytes),
      exit: (code, signal) => {
        if (name === "runtime") this.link.hangUp();
        this.link.tellExit({ name, pid: RUNTIME_PID, code, signal });
      },
      killForMemory: () => {
        this.#oomKills++;
      },
    };
  }

  #deliver(what: string, answer: () => void): void {
    if (this.#isFrozen) this.#engine.violations.push(`${what} while frozen`);
    if (this.#isGone) this.#engine.violations.push(`${what} after the end`);
    if (this.#isFrozen) this.#undelivered.push(answer);
    else answer();
  }
}
