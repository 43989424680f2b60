/**
 * When each version was last used, without a write for each invoke: a use is written where the one on disk is older than an interval,
 * before the invoke runs. So what is on disk is behind by less than an interval, a crash included, and a start adds the interval:
 * a version may expire that much late, never early.
 */
import type { ControlServices } from "../services.ts";

const HOUR_MS = 3_600_000;

interface Use {
  usedAtMs: number;
  writtenAtMs: number;
}

type Needs = Pick<ControlServices, "store" | "clock" | "limits" | "onProblem">;

export class VersionUses {
  readonly #services: Needs;
  readonly #intervalMs: number;
  readonly #uses = new Map<string, Use>();

  constructor(services: Needs) {
    this.#services = services;
    const { snapshotIdleMs } = services.limits;
    this.#intervalMs = Math.min(HOUR_MS, (snapshotIdleMs ?? HOUR_MS * 24) / 24);
    const nowMs = services.clock.nowMs();
    for (const { functionName, version, usedAtMs } of services.store.listUses()) {
      // A clock that was set back must not make a version look used in the future.
      this.#uses.set(keyOf(functionName, version), {
        usedAtMs: Math.min(nowMs, usedAtMs + this.#intervalMs),
        writtenAtMs: Math.min(nowMs, usedAtMs),
      });
    }
  }

  touch(functionName: string, version: string): void {
    const { clock, store, onProblem } = this.#services;
    const nowMs = clock.nowMs();
    const use = this.#uses.get(keyOf(functionName, version));
    if (use !== undefined) use.usedAtMs = Math.max(use.usedAtMs, nowMs);
    if (use !== undefined && Math.abs(nowMs - use.writtenAtMs) < this.#intervalMs) return;
    try {
      store.putUse({ functionName, version, usedAtMs: nowMs });
      this.#uses.set(keyOf(functionName, version), { usedAtMs: nowMs, writtenAtMs: nowMs });
    } catch (error) {
      // A full disk is no reason to refuse an invoke.
      onProblem(`last use of ${functionName}:${version}`, error);
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
