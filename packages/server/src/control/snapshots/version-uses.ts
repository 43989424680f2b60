/**
 * When each version was last used, without a write for each invoke: a use is written where the one on disk is older
 * than an interval, before the invoke runs. So what is on disk is behind by less than an interval, a crash included,
 * and a start adds the interval: a version may expire that much late, never early.
 */
import type { VersionUse } from "../../model/function-record.ts";
import type { ControlParts } from "../services.ts";

const HOUR_MS = 3_600_000;

interface Use {
  usedAtMs: number;
  /** Null before the first write. */
  writtenAtMs: number | null;
  /** The write that is under way. */
  writing: Promise<void> | null;
}

type Needs = Pick<ControlParts, "store" | "changes" | "clock" | "limits" | "onProblem">;

export class VersionUses {
  readonly #services: Needs;
  readonly #intervalMs: number;
  readonly #uses = new Map<string, Use>();

  constructor(services: Needs) {
    this.#services = services;
    const { snapshotIdleMs } = services.limits;
    this.#intervalMs = Math.min(HOUR_MS, (snapshotIdleMs ?? HOUR_MS * 24) / 24);
  }

  /** Reads what is on disk, once, before anything is used. */
  async load(): Promise<void> {
    const { clock, store } = this.#services;
    const nowMs = clock.nowMs();
    for (const { functionName, version, usedAtMs } of await store.listUses()) {
      // A clock that was set back must not make a version look used in the future.
      this.#uses.set(keyOf(functionName, version), {
        usedAtMs: Math.min(nowMs, usedAtMs + this.#intervalMs),
        writtenAtMs: Math.min(nowMs, usedAtMs),
        writing: null,
      });
    }
  }

  /** Notes a use at once; resolves when what is on disk is recent enough. Never rejects. */
  async touch(functionName: string, version: string): Promise<void> {
    const nowMs = this.#services.clock.nowMs();
    const key = keyOf(functionName, version);
    const use = this.#uses.get(key) ?? { usedAtMs: nowMs, writtenAtMs: null, writing: null };
    this.#uses.set(key, use);
    const isRecent = use.writtenAtMs !== null && Math.abs(nowMs - use.writtenAtMs) < this.#intervalMs;
    // After a clock that was set back, the time of now is what counts.
    use.usedAtMs = isRecent ? Math.max(use.usedAtMs, nowMs) : nowMs;
    if (isRecent) return;
    use.writing ??= this.#write(use, { functionName, version, usedAtMs: nowMs });
    await use.writing;
  }

  async #write(use: Use, written: VersionUse): Promise<void> {
    try {
      await this.#services.changes.commit([{ op: "putUse", use: written }]);
      use.writtenAtMs = written.usedAtMs;
    } catch (error) {
      // A full disk is no reason to refuse an invoke.
      this.#services.onProblem(`last use of ${written.functionName}:${written.version}`, error);
    } finally {
      use.writing = null;
    }
  }

  lastUseMs(functionName: string, version: string): number | null {
    return this.#uses.get(keyOf(functionName, version))?.usedAtMs ?? null;
  }

  forget(functionName: string, version: string): void {
    this.#uses.delete(keyOf(functionName, version));
  }
}

function keyOf(functionName: string, version: string): string {
  return `${functionName}:${version}`;
}
