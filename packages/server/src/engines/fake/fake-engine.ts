/**
 * An engine in memory, for tests of the worker: its sandboxes run FakeFunctions, its images are copies of their state.
 * Each step can be told to fail. Leftovers, and answers given to a frozen sandbox, can be read.
 */
import type { SnapshotId } from "../../base/ids.ts";
import { ThawError } from "../../model/platform-errors.ts";
import type { CapturedSnapshot, Engine, EngineImages, Sandbox, SandboxSpec } from "../../ports/engine.ts";
import type { SnapshotSecrets } from "../../ports/snapshot-disk.ts";
import { SnapshotDamagedError } from "../../snapshots/format/envelope.ts";
import { FakeDisk, type FakeDiskHooks, type FakeSnapshots } from "./fake-disk.ts";
import type { FakeExtension } from "./fake-extension.ts";
import type { FakeFunction } from "./fake-process.ts";
import { FakeSandbox, type FakeStep } from "./fake-sandbox.ts";

export interface FakeEngineOptions extends FakeDiskHooks {
  /** Functions by the name of the code directory. */
  readonly functions: Readonly<Record<string, FakeFunction>>;
  /** Programs of /opt/extensions, by name; null: one that is there and can't be started. */
  readonly extensions?: Readonly<Record<string, FakeExtension | null>>;
  readonly canSnapshot?: boolean;
  readonly disk?: FakeSnapshots;
  readonly fingerprint?: string;
  /** Called at the start of each step: may throw, wait, or move the clock. */
  onStep?(step: FakeStep, spec: SandboxSpec): void | Promise<void>;
}

/** Refusal that sandboxd would answer with. */
class FakeHostError extends ThawError {}

export class FakeEngine implements Engine {
  readonly name = "fake";
  readonly images: EngineImages | null;
  readonly snapshotsProblem: string | null;
  readonly disk: FakeDisk;
  /** Sandboxes that have not been destroyed. */
  readonly live = new Set<FakeSandbox>();
  /** Steps in order: `create env-…`. */
  readonly steps: string[] = [];
  /** Events that should never happen, such as an answer to a frozen sandbox. Empty in a good run. */
  readonly violations: string[] = [];
  readonly #options: FakeEngineOptions;
  readonly #fingerprint: string;

  constructor(options: FakeEngineOptions) {
    this.#options = options;
    this.#fingerprint = options.fingerprint ?? "fake";
    this.disk = new FakeDisk(options.disk ?? new Map(), options);
    const canSnapshot = options.canSnapshot ?? true;
    this.images = canSnapshot ? this.#images() : null;
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

  get extensions(): Readonly<Record<string, FakeExtension | null>> {
    return this.#options.extensions ?? {};
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

  #images(): EngineImages {
    return {
      fingerprint: this.#fingerprint,
      capture: (sandbox, snapshotId, secrets) => this.#capture(sandbox as FakeSandbox, snapshotId, secrets),
      restore: (spec, snapshotId, dataKey) => this.#restore(spec, snapshotId, dataKey),
    };
  }

  async #capture(
    sandbox: FakeSandbox,
    snapshotId: SnapshotId,
    { dataKey }: SnapshotSecrets,
  ): Promise<CapturedSnapshot> {
    try {
      await this.step("take", sandbox.spec);
      const image = sandbox.image();
      const madeWith = { root: sandbox.spec.root, uid: sandbox.spec.uid, fingerprint: this.#fingerprint };
      this.disk.snapshots.set(snapshotId, { ...structuredClone(image), ...madeWith, dataKey });
      return {
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

  async #restore(spec: SandboxSpec, snapshotId: SnapshotId, dataKey: Buffer): Promise<Sandbox> {
    await this.step("restore", spec);
    const snapshot = this.disk.snapshots.get(snapshotId);
    if (snapshot === undefined) throw new FakeHostError("SANDBOX_UNKNOWN", { detail: { snapshotId } });
    if (!snapshot.dataKey.equals(dataKey)) throw new SnapshotDamagedError("it is sealed with another key");
    if (snapshot.root !== spec.root || snapshot.fingerprint !== this.#fingerprint) {
      this.violations.push(
        `restore of ${snapshotId} made with ${snapshot.fingerprint} and ${snapshot.root} on ${spec.root}`,
      );
      throw new FakeHostError("SANDBOX_RESTORE_FAILED", { detail: { snapshotId } });
    }
    if (snapshot.uid !== spec.uid) throw new FakeHostError("SANDBOX_BAD_REQUEST", { detail: { snapshotId } });
    const sandbox = new FakeSandbox(this, spec, this.#functionOf(spec), snapshot);
    this.live.add(sandbox);
    sandbox.resume(structuredClone(snapshot));
    return sandbox;
  }
}
