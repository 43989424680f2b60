/**
 * An engine in memory, for tests of the worker: its sandboxes run FakeFunctions, its snapshots are copies of their state. Each step
 * can be told to fail; what is left behind and what was done to a frozen sandbox can be read.
 */
import type { SnapshotId } from "../../base/ids.ts";
import type {
  Engine,
  ListedSnapshot,
  Sandbox,
  SandboxSpec,
  SnapshotEngine,
  SnapshotInfo,
  SnapshotKey,
} from "../../ports/engine.ts";
import type { FakeFunction, FakeState, ParkedAt } from "./fake-process.ts";
import { FakeSandbox, type FakeStep } from "./fake-sandbox.ts";

const NOTHING_RECORDED = {
  isMerged: false,
  pages: 0,
  recordings: 0,
  faults: 0,
  prefetchedPages: 0,
  prefetchStartMs: 0,
  prefetchEndMs: 0,
  decryptMs: 0,
};

export interface FakeSnapshot {
  readonly key: SnapshotKey;
  /** Root of the runtime that it was made with. */
  readonly root: string;
  readonly engine: string;
  readonly state: FakeState;
  readonly env: Readonly<Record<string, string>>;
  readonly parkedAt: ParkedAt;
  readonly nextCallId: number;
}

export interface FakeEngineOptions {
  /** By the name of the code directory. */
  readonly functions: Readonly<Record<string, FakeFunction>>;
  readonly canSnapshot?: boolean;
  /** Outlives the engine, as a disk does. */
  readonly disk?: Map<SnapshotId, FakeSnapshot>;
  /** The far store of several hosts. */
  readonly afar?: Map<SnapshotId, FakeSnapshot> | undefined;
  readonly fingerprint?: string;
  /** Called at the start of each step: may throw, wait, or move the clock. */
  onStep?(step: FakeStep, spec: SandboxSpec): void | Promise<void>;
  onRemove?(snapshotId: SnapshotId): void | Promise<void>;
  /** While the working set of a clone is being recorded. */
  onResponded?(): Promise<void>;
}

export class FakeEngine implements Engine {
  readonly name = "fake";
  readonly snapshots: SnapshotEngine | null;
  readonly snapshotsProblem: string | null;
  /** Sandboxes that have not been destroyed. */
  readonly live = new Set<FakeSandbox>();
  /** All steps in order: `create env-…`. */
  readonly steps: string[] = [];
  /** What should never happen, such as an answer to a frozen sandbox. Empty in a good run. */
  readonly violations: string[] = [];
  readonly #options: FakeEngineOptions;
  readonly #taken: Map<SnapshotId, FakeSnapshot>;

  constructor(options: FakeEngineOptions) {
    this.#options = options;
    this.#taken = options.disk ?? new Map<SnapshotId, FakeSnapshot>();
    const canSnapshot = options.canSnapshot ?? true;
    this.snapshots = canSnapshot ? this.#snapshotEngine() : null;
    this.snapshotsProblem = canSnapshot ? null : "This engine was told to take no snapshots.";
  }

  async create(spec: SandboxSpec): Promise<Sandbox> {
    await this.step("create", spec);
    const sandbox = new FakeSandbox(this, spec, this.#functionOf(spec));
    this.live.add(sandbox);
    return sandbox;
  }

  async close(): Promise<void> {
    await Promise.all([...this.live].map((sandbox) => sandbox.destroy()));
  }

  async step(step: FakeStep, spec: SandboxSpec): Promise<void> {
    this.steps.push(`${step} ${spec.environmentId}`);
    await this.#options.onStep?.(step, spec);
  }

  #functionOf(spec: SandboxSpec): FakeFunction {
    const found = this.#options.functions[spec.task];
    if (found === undefined) throw new Error(`fake engine: no function ${spec.task}`);
    return found;
  }

  #snapshotEngine(): SnapshotEngine {
    return {
      fingerprint: this.#options.fingerprint ?? "fake",
      take: (sandbox, snapshotId, keyArn) => this.#take(sandbox as FakeSandbox, snapshotId, keyArn),
      restore: (spec, snapshotId, key) => this.#restore(spec, snapshotId, key),
      responded: async () => {
        await this.#options.onResponded?.();
        return NOTHING_RECORDED;
      },
      inspect: async (_snapshotId, _key, needles) => ({
        needles: needles.map(() => 0),
        secrets: [],
        files: [],
        fileCount: 0,
        searchedBytes: 0,
      }),
      remove: async (snapshotId) => {
        await this.#options.onRemove?.(snapshotId);
        this.#forget(snapshotId);
      },
      list: async () => this.#list(),
      sweep: async (named) => {
        for (const snapshotId of this.#taken.keys()) if (!named.has(snapshotId)) this.#forget(snapshotId);
      },
    };
  }

  #list(): readonly ListedSnapshot[] {
    const all = new Set([...this.#taken.keys(), ...(this.#options.afar?.keys() ?? [])]);
    return [...all].map((snapshotId) => ({ snapshotId, isHere: this.#taken.has(snapshotId) }));
  }

  #forget(snapshotId: SnapshotId): void {
    this.#taken.delete(snapshotId);
    this.#options.afar?.delete(snapshotId);
  }

  async #take(sandbox: FakeSandbox, snapshotId: SnapshotId, keyArn: string | null): Promise<SnapshotInfo> {
    try {
      await sandbox.link.park();
      await this.step("take", sandbox.spec);
      const image = sandbox.image();
      const key = { keyArn, wrapped: `key of ${snapshotId}` };
      const madeWith = { root: sandbox.spec.root, engine: this.#options.fingerprint ?? "fake" };
      const taken = { ...image, ...madeWith, key, state: structuredClone(image.state) };
      this.#taken.set(snapshotId, taken);
      this.#options.afar?.set(snapshotId, taken);
      return {
        snapshotId,
        key,
        memoryBytes: 1000,
        diskBytes: 10,
        newBytes: 1010,
        cutConnections: 0,
        phases: [{ name: "criu", startMs: 0, durationMs: 1 }],
      };
    } finally {
      sandbox.vanish();
    }
  }

  async #restore(spec: SandboxSpec, snapshotId: SnapshotId, key: SnapshotKey): Promise<Sandbox> {
    await this.step("restore", spec);
    const snapshot = this.#taken.get(snapshotId) ?? this.#options.afar?.get(snapshotId);
    if (snapshot === undefined) throw new Error(`fake engine: no snapshot ${snapshotId}`);
    if (key.wrapped !== snapshot.key.wrapped) throw new Error(`fake engine: another key than that of ${snapshotId}`);
    if (snapshot.root !== spec.root || snapshot.engine !== this.snapshots?.fingerprint) {
      this.violations.push(
        `restore of ${snapshotId} made with ${snapshot.engine} and ${snapshot.root} on ${spec.root}`,
      );
    }
    const sandbox = new FakeSandbox(this, spec, this.#functionOf(spec), snapshot.nextCallId);
    this.live.add(sandbox);
    sandbox.resume(snapshot.env, structuredClone(snapshot.state), snapshot.parkedAt);
    return sandbox;
  }
}
