/** Which clones still read chunks that no manifest names any more: those have to stay until the last of them has gone. */
import type { SnapshotId } from "../base/ids.ts";

export class Clones {
  readonly #live = new Map<SnapshotId, Set<symbol>>();
  /** Of snapshots that have been removed, or laid out anew, since. */
  readonly #retired = new Set<symbol>();
  #waiting: Array<() => void> = [];

  /** The returned function says that the clone has gone. */
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
