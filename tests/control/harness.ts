/**
 * A control plane and its worker on the fake engine, with a clock that tests move, the real SQLite store on disk, and a
 * disk of snapshots that outlives both. A life of the server can be ended as by SIGKILL, between any two of its steps
 * outward; the next one finds what is on disk.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OperationName } from "@thaw/aws-api";
import type { Clock, Random, SnapshotId } from "@thaw/server/testing/base";
import {
  type Call,
  type ControlLimits,
  type ControlPlane,
  type ControlServices,
  createControlPlane,
  DEFAULT_CONTROL_LIMITS,
  type Operations,
} from "@thaw/server/testing/control";
import {
  createFakeSnapshots,
  FakeDestinations,
  FakeEventSources,
  FakeClock,
  FakeEngine,
  type FakeFunction,
  type FakeSnapshot,
  type FakeStep,
  unpackInMemory,
} from "@thaw/server/testing/fakes";
import { measureWorker, Metrics, RecentInvocations } from "@thaw/server/testing/metrics";
import type { VersionRecord } from "@thaw/server/testing/model";
import {
  type AsyncReport,
  type CodeStore,
  type EventSourceReport,
  type MetadataStore,
  type RuntimeCatalog,
  type RuntimeRecipe,
  type Stored,
  type Worker,
  type Write,
  NO_PASSED_SERVICES,
} from "@thaw/server/testing/ports";
import { openSqliteStore } from "@thaw/server/testing/store";
import { createWorker, type WorkerLimits } from "@thaw/server/testing/worker";
import { ACCESS_POINT } from "../support/access-point.ts";
import { MemoryLogStore } from "../worker/harness.ts";
import { FakeInstaller } from "./fake-installer.ts";
import { noObjects } from "./no-objects.ts";
import { OUTSIDE } from "./outside.ts";
import { overWire } from "./over-wire.ts";

const RUNTIME = "python3.13";
const ROLE = "arn:aws:iam::000000000000:role/test";

export interface ControlHarnessOptions {
  /** By code name, which is the text of the zip. */
  readonly functions: Readonly<Record<string, FakeFunction>>;
  readonly limits?: Partial<ControlLimits>;
  readonly workerLimits?: Partial<WorkerLimits>;
  readonly parity?: "extended" | "strict";
  readonly random?: Random;
  readonly freeDiskBytes?: () => number;
  readonly onStep?: (step: FakeStep) => void;
  /** Services in place of the harness's own. */
  readonly services?: Partial<ControlServices>;
  /** A far store that other harnesses may have, too. */
  readonly afar?: Map<SnapshotId, FakeSnapshot>;
  /**
   * Called before each step outward of a life (store, engine); true ends that life there. The engine's steps come with
   * the name of the code that they are for.
   */
  readonly crashesAt?: (step: string, code?: string) => boolean;
  /** How many turns each call of the store takes, before it is carried out and again after. Default: none. */
  readonly storeTurns?: () => number;
  /** Where the store is kept; in memory-backed /dev/shm for long runs. */
  readonly parentDir?: string;
}

/** Some waits are for time: then it moves, a millisecond a turn. */
const TURNS_WITHOUT_TIME = 30;

export type InvocationType = "RequestResponse" | "Event";

export interface InvokeWish {
  readonly name: string;
  readonly qualifier?: string | undefined;
  readonly payload?: unknown;
  readonly type?: InvocationType;
  readonly requestId?: string;
}

export interface InvokeAnswer {
  readonly StatusCode?: number;
  readonly Payload?: unknown;
  readonly FunctionError?: string;
}

/** What a step of a dead life throws; nobody is there to see it. */
class Dead extends Error {
  override readonly name = "Dead";
}

/** Whether the life ends at a step. */
type Crashes = (step: string, code?: string) => boolean;

interface Life {
  isOver: boolean;
  readonly control: ControlPlane;
  readonly services: ControlServices;
  readonly worker: Worker;
  readonly engine: FakeEngine;
  /** For looking: nobody dies of it. */
  readonly store: MetadataStore;
}

export class ControlHarness {
  readonly clock = new FakeClock();
  readonly disk = new Map<SnapshotId, FakeSnapshot>();
  readonly problems: string[] = [];
  readonly violations: string[] = [];
  readonly logs = new MemoryLogStore();
  readonly destinations = new FakeDestinations();
  readonly asyncReports: AsyncReport[] = [];
  readonly eventSources = new FakeEventSources(this.clock);
  readonly sourceReports: EventSourceReport[] = [];
  /** Releases of the runtime on the host, newest first. */
  releases = ["release-1"];
  readonly installer = new FakeInstaller();
  readonly recent = new RecentInvocations(this.clock);
  engineFingerprint = "engine-1";
  #life: Life | null = null;
  readonly #options: ControlHarnessOptions;
  readonly #dir: string;

  constructor(options: ControlHarnessOptions) {
    this.#options = options;
    this.#dir = mkdtempSync(join(options.parentDir ?? tmpdir(), "thaw-control-"));
  }

  static async start(options: ControlHarnessOptions): Promise<ControlHarness> {
    const harness = new ControlHarness(options);
    await harness.start();
    return harness;
  }

  get life(): Life {
    if (this.#life === null) throw new Error("the server does not run");
    return this.#life;
  }

  /** The store as the control plane has it. */
  get store(): MetadataStore {
    return this.life.services.store;
  }

  get control(): ControlPlane {
    return this.life.control;
  }

  get isOver(): boolean {
    return this.#life?.isOver ?? true;
  }

  async start(): Promise<void> {
    const self: { isOver: boolean } = { isOver: false };
    const crashes: Crashes = (step, code) => {
      if (!self.isOver && this.#options.crashesAt?.(step, code) === true) self.isOver = true;
      return self.isOver;
    };
    const clock: Clock = {
      nowMs: () => this.clock.nowMs(),
      monotonicMs: () => this.clock.monotonicMs(),
      after: (delayMs, callback) => this.clock.after(delayMs, () => self.isOver || callback()),
    };
    const store = openSqliteStore(join(this.#dir, "thaw.db"));
    try {
      const made = this.#build(store, clock, self, crashes);
      this.#life = Object.assign(self, { ...made, store });
    } catch (error) {
      await store.close();
      throw error;
    }
    await this.orDeath(this.control.recover());
  }

  #build(
    store: MetadataStore,
    clock: Clock,
    self: { readonly isOver: boolean },
    crashes: Crashes,
  ): Omit<Life, "isOver" | "store"> {
    const engine = new FakeEngine({
      functions: this.#options.functions,
      disk: this.disk,
      fingerprint: this.engineFingerprint,
      onStep: (step, { task }) => {
        if (crashes(`engine ${step}`, task)) return new Promise<never>(() => undefined);
        return this.#options.onStep?.(step);
      },
      onRemove: () => (crashes("engine remove") ? new Promise<never>(() => undefined) : undefined),
    });
    const worker = this.#createWorker(engine, clock, self);
    const shown = mortal(store, crashes, this.#options.storeTurns ?? (() => 0));
    const services: ControlServices = {
      scope: { accountId: "000000000000", region: "us-east-1" },
      parity: this.#options.parity ?? "extended",
      store: shown,
      uids: { next: (living) => shown.nextUid(living) },
      sharedLayer: async () => null,
      code: memoryCode,
      ...OUTSIDE,
      snapshotReader: null,
      destinations: this.destinations,
      passed: NO_PASSED_SERVICES,
      eventSources: this.eventSources.connect(() => self.isOver),
      readsOtherAccounts: true,
      onEventSource: (report) => void this.sourceReports.push(report),
      onFallback: () => undefined,
      onAsync: (report) => void this.asyncReports.push(report),
      objects: noObjects,
      logs: this.logs,
      worker: overWire(worker),
      history: this.recent.of({ accountId: "000000000000", region: "us-east-1" }),
      clock,
      random: this.#options.random ?? plainRandom,
      limits: { ...DEFAULT_CONTROL_LIMITS, stateChangeMs: 0, ...this.#options.limits },
      accessPoints: new Set([ACCESS_POINT]),
      freeDiskBytes: this.#options.freeDiskBytes ?? (() => 2 ** 40),
      onProblem: (what, error) => {
        if (!self.isOver) this.problems.push(`${what}: ${String(error)}`);
      },
      ...this.#options.services,
    };
    return { control: createControlPlane(services), services, worker, engine };
  }

  /** As by SIGKILL: what is on disk stays, the sandboxes go. */
  crash(): void {
    if (this.#life === null) return;
    const life = this.#life;
    life.isOver = true;
    this.violations.push(...life.engine.violations);
    void life.store.close();
    this.#life = null;
  }

  async restart(): Promise<void> {
    if (this.#life !== null) await this.stop();
    await this.start();
  }

  async stop(isHostLost: () => boolean = () => false): Promise<void> {
    const { control, worker, engine, store } = this.life;
    await this.orDeath(control.close(isHostLost));
    await this.orDeath(worker.close(0));
    await this.clock.advance(0);
    this.violations.push(...engine.violations);
    if (engine.live.size > 0 && !this.isOver) this.violations.push(`${engine.live.size} sandboxes left after the end`);
    await store.close();
    this.#life = null;
  }

  async end(): Promise<void> {
    if (this.#life !== null) await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
    if (this.violations.length > 0) throw new Error(`violations: ${this.violations.join("; ")}`);
  }

  /** Moves the clock, and settles what that sets going. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.clock.advance(0);
  }

  async create(
    name: string,
    code: string,
    options: { readonly snapStart?: boolean; readonly config?: Record<string, unknown> } = {},
  ): Promise<void> {
    const snapStart = (options.snapStart ?? true) ? { SnapStart: { ApplyOn: "PublishedVersions" } } : {};
    const input = {
      FunctionName: name,
      Role: ROLE,
      Runtime: RUNTIME,
      Handler: "a.b",
      Code: { ZipFile: Buffer.from(code) },
      ...snapStart,
      ...options.config,
    };
    await this.call("CreateFunction", input);
    await this.advance(0);
  }

  async publish(name: string): Promise<string> {
    const { Version } = (await this.call("PublishVersion", { FunctionName: name })) as { Version: string };
    await this.advance(0);
    return Version;
  }

  async call(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
    return this.orDeath(this.ask(operation, input));
  }

  /** Another server's front to the same store and worker: it shares no memory with this one's. */
  anotherFront(): Operations {
    return createControlPlane(this.life.services).operations;
  }

  /** Without moving the clock while it runs. */
  async ask(
    operation: OperationName,
    input: Record<string, unknown>,
    operations = this.control.operations,
  ): Promise<unknown> {
    const run = operations[operation] as ((input: unknown, call: Call) => unknown) | undefined;
    if (run === undefined) throw new Error(`no operation ${operation}`);
    return run(input, { requestId: "request", body: Buffer.alloc(0), traceId: null });
  }

  invoke(
    name: string,
    qualifier?: string,
    payload: unknown = {},
    type: InvocationType = "RequestResponse",
  ): Promise<InvokeAnswer> {
    return this.orDeath(this.request({ name, qualifier, payload, type }));
  }

  /** Without moving the clock while it runs. */
  request(wanted: InvokeWish): Promise<InvokeAnswer> {
    const { name, qualifier, payload = {}, type = "RequestResponse" } = wanted;
    const requestId = wanted.requestId ?? (this.#options.random ?? plainRandom).uuid();
    const input = {
      FunctionName: name,
      InvocationType: type,
      ...(qualifier === undefined ? {} : { Qualifier: qualifier }),
    };
    const { Invoke } = this.control.operations;
    if (Invoke === undefined) throw new Error("no operation Invoke");
    return Promise.resolve(Invoke(input, { requestId, body: Buffer.from(JSON.stringify(payload)), traceId: null }));
  }

  /** The invoke's answer, or the name of the error. */
  async outcome(name: string, qualifier?: string): Promise<string> {
    try {
      const answer = await this.invoke(name, qualifier);
      await this.advance(0);
      return String(answer.Payload);
    } catch (error) {
      return (error as Error).name;
    }
  }

  async version(name: string, version: string): Promise<Stored<VersionRecord>> {
    const found = await this.life.store.getVersion(name, version);
    if (found === null) throw new Error(`no version ${name}:${version}`);
    return found;
  }

  async status(name: string, version: string): Promise<string | undefined> {
    const all = await this.control.snapshots.list();
    return all.find((each) => each.functionName === name && each.version === version)?.status;
  }

  #createWorker(engine: FakeEngine, clock: Clock, self: { readonly isOver: boolean }): Worker {
    const onProblem = (what: string, error: unknown): void => {
      if (!self.isOver) this.problems.push(`${what}: ${String(error)}`);
    };
    const { images, disk } = engine;
    const afar = this.#options.afar ?? null;
    const worker = createWorker({
      engine,
      snapshots: images === null ? null : createFakeSnapshots({ images, disk, clock, afar, onProblem }),
      catalog: this.#catalog(),
      installer: this.installer,
      logs: this.logs,
      clock,
      secret: Buffer.alloc(32, 7),
      primes: { readPrimes: async () => [] },
      credentials: {
        issue: () => ({
          accessKeyId: "AKID",
          secretAccessKey: "secret",
          sessionToken: "token",
          expiresAtMs: clock.nowMs() + 12 * 3_600_000,
        }),
      },
      onRestore: (report) => this.recent.restored(report),
      onInvocation: (report) => this.recent.reported(report),
      onProblem: (problem) => onProblem(problem.what, problem.error),
      ...(this.#options.workerLimits === undefined ? {} : { limits: this.#options.workerLimits }),
    });
    return measureWorker(worker, new Metrics(), this.recent);
  }

  #catalog(): RuntimeCatalog {
    return {
      find: (runtime, fingerprint) => {
        if (this.installer.missing.has(runtime)) return null;
        const release = this.releases.find((each) => fingerprint === undefined || each === fingerprint);
        return release === undefined ? null : recipeOf(runtime, release);
      },
      list: () => [],
      all: () => this.releases.map((release) => recipeOf(RUNTIME, release)),
      releases: () => [],
      remedy: () => "There is none.",
    };
  }

  /** Rejects when the life ends before the promise does. */
  async orDeath<T>(promise: Promise<T>): Promise<T> {
    const life = this.life;
    let isDone = false;
    void promise.catch(() => undefined).then(() => (isDone = true));
    for (let turn = 0; !isDone && !life.isOver; turn++) await this.clock.advance(turn < TURNS_WITHOUT_TIME ? 0 : 1);
    if (life.isOver) throw new Dead("the server is dead");
    return promise;
  }
}

export function recipeOf(runtime: string, release: string): RuntimeRecipe {
  return {
    runtime,
    root: release,
    lang: null,
    client: "fake",
    argv: () => ["/var/runtime/bootstrap"],
    env: {},
    writesRecords: false,
    runtimeVersion: "python:3.13.thaw",
    runtimeVersionArn: "arn:aws:lambda:us-east-1::runtime:abc",
    fingerprint: release,
  };
}

/**
 * Each call may be the one at which the server dies: before it, so that it is not carried out. A call takes some turns
 * before it is carried out and some until its caller hears of it, as with a store on another host: others do something
 * meanwhile.
 */
function mortal<T extends object>(store: T, crashes: Crashes, turns: () => number): T {
  return new Proxy(store, {
    get: (target, name) => {
      const member = target[name as keyof T];
      if (typeof member !== "function") return mortal(member as object, crashes, turns);
      const method = member as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        await pass(turns());
        const step =
          name === "commit" ? (args[0] as ReadonlyArray<Pick<Write, "op">>).map(({ op }) => op).join(", ") : name;
        if (name !== "close" && crashes(`store ${String(step)}`)) throw new Dead(`dead at ${String(step)}`);
        const done = await method.apply(target, args);
        await pass(turns());
        return done;
      };
    },
  });
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

const memoryCode: CodeStore = {
  unpack: async (zip) => ({ codeName: zip.toString(), codeSha256: zip.toString("base64"), codeSizeBytes: zip.length }),
  unpackImage: unpackInMemory,
  readZip: async () => null,
  findTexts: async () => new Set(),
  unpackedSizeOf: async () => 1,
  merge: async () => undefined,
  hold: (work) => work(),
  sweep: async () => undefined,
};

let counter = 0;
const plainRandom: Random = {
  fraction: () => 0.5,
  uuid: () => `uuid-${++counter}`,
  bytes: (count) => Buffer.alloc(count),
};
