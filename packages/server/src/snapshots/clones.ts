/**
 * Counts the clones that still read chunks which no manifest names any more. These chunks stay until the last of the
 * clones has gone.
 */
import type { SnapshotId } from "../base/ids.ts";

export class Clones {
  readonly #live = new Map<SnapshotId, Set<symbol>>();
  /** Clones of snapshots that have since been removed, or laid out anew. */
  readonly #retired = new Set<symbol>();
  #waiting: Array<() => void> = [];

  /** Counts a clone in; the function that it returns counts it out. */
  opened(id: SnapshotId): () => void {
    const clone = Symbol(id);
    const clones = this.#live.get(id) ?? new Set();
    this.#live.set(id, clones.add(clone));
    return () => {
      clones.delete(clone);
      if (clones.size === 0 && this.#live.get(id) === clones) this.#live.delete(id);
      if (this.#retired.delete(clone)) this.#tell();
    };
  }

  retire(id: SnapshotId): void {
    for (const clone of this.#live.get(id) ?? []) this.#retired.add(clone);
    this.#live.delete(id);
  }

  get hasRetired(): boolean {
    return this.#retired.size > 0;
  }

  retiredGone(): Promise<void> {
    return this.hasRetired ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  #tell(): void {
    if (this.hasRetired) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
