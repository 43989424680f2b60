/** A sandbox of the fake engine: one fake process, a freezer that notices work while frozen, and counters. */
import type { EnvironmentId } from "../../base/ids.ts";
import type { Phase } from "../../model/phases.ts";
import type { Sandbox, SandboxExit, SandboxObservation, SandboxSpec, SandboxUsage } from "../../ports/engine.ts";
import type { SpawnRequest } from "../../ports/supervisor.ts";
import { FakeLink } from "./fake-link.ts";
import { type FakeFunction, FakeProcess, type FakeProcessHost, type FakeState, type ParkedAt } from "./fake-process.ts";

const RUNTIME_PID = 1003;

export type FakeStep = "create" | "spawn" | "freeze" | "thaw" | "boost" | "usage" | "destroy" | "take" | "restore";

/** Services of the engine for its sandboxes. */
export interface FakeSandboxOwner {
  readonly live: Set<FakeSandbox>;
  readonly violations: string[];
  step(step: FakeStep, spec: SandboxSpec): Promise<void>;
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
  #tellExited: (exit: SandboxExit) => void = () => undefined;
  #tellGone: () => void = () => undefined;
  #isFrozen = false;
  readonly #undelivered: Array<() => void> = [];
  #isGone = false;
  #oomKills = 0;

  constructor(engine: FakeSandboxOwner, spec: SandboxSpec, run: FakeFunction, firstCallId = 1) {
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
      signal: (_name: string, signal: number) => this.#process?.end(null, signal),
      deliver: (what: string, answer: () => void) => this.#deliver(what, answer),
    };
    this.link = new FakeLink(host, firstCallId === 1 ? [] : [{ name: "runtime", pid: RUNTIME_PID }], firstCallId);
  }

  async freeze(): Promise<void> {
    await this.#engine.step("freeze", this.spec);
    this.#isFrozen = true;
  }

  async thaw(): Promise<void> {
    await this.#engine.step("thaw", this.spec);
    this.#isFrozen = false;
    for (const answer of this.#undelivered.splice(0)) answer();
  }

  async boost(): Promise<void> {
    await this.#engine.step("boost", this.spec);
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
    this.#process?.vanish();
    this.link.close();
    this.#engine.live.delete(this);
  }

  /** Ends the whole sandbox as if it died by itself. */
  die(oom: boolean): void {
    this.#process?.vanish();
    this.link.lose();
    this.#tellExited({ oom, snapshotDamaged: false });
  }

  image(): {
    readonly state: FakeState;
    readonly env: Readonly<Record<string, string>>;
    readonly parkedAt: ParkedAt;
    readonly nextCallId: number;
  } {
    const process = this.#process;
    const parkedAt = process?.parkedAt ?? null;
    if (process === null || parkedAt === null) throw new Error("fake engine: the runtime is not parked");
    return { state: process.state, env: process.env, parkedAt, nextCallId: this.link.nextCallId };
  }

  resume(env: Readonly<Record<string, string>>, state: FakeState, parkedAt: ParkedAt): void {
    this.#process = new FakeProcess(this.#host(), this.#function, env, state);
    this.#process.resume(parkedAt);
  }

  async #spawn(request: SpawnRequest): Promise<{ readonly pid: number }> {
    await this.#engine.step("spawn", this.spec);
    this.#process = new FakeProcess(this.#host(), this.#function, request.env, {});
    this.#process.start();
    return { pid: RUNTIME_PID };
  }

  #host(): FakeProcessHost {
    return {
      call: (method, path, headers, body) => this.link.call(method, path, headers, body),
      print: (stream, bytes) => this.link.tellLog(stream, bytes),
      exit: (code, signal) => {
        this.link.hangUp();
        this.link.tellExit({ name: "runtime", pid: RUNTIME_PID, code, signal });
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
