/**
 * A far store in memory whose calls are carried out in the order that a test chooses, and whose users can die in the
 * middle.
 */
import type { SnapshotStore, StoredObject } from "../../ports/snapshot-store.ts";

export class MemoryObjects {
  readonly objects = new Map<string, { readonly content: Buffer; readonly modifiedMs: number; readonly tag: string }>();
  /** Calls that wait for their turn. */
  readonly pending: Array<{ readonly user: string; readonly run: () => void }> = [];
  readonly dead = new Set<string>();
  readonly #nowMs: () => number;
  #tags = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** As seen by one user. */
  storeOf(user: string): SnapshotStore {
    const turn = <T>(work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const run = (): void => {
          try {
            resolve(work());
          } catch (error) {
            reject(error as Error);
          }
        };
        this.pending.push({ user, run });
      });
    const put = (key: string, content: Buffer): void =>
      void this.objects.set(key, { content: Buffer.from(content), modifiedMs: this.#nowMs(), tag: `t${this.#tags++}` });
    return {
      name: `memory of ${user}`,
      put: (key, content) => turn(() => put(key, content)),
      putNew: (key, content) =>
        turn(() => {
          if (this.objects.has(key)) return false;
          put(key, content);
          return true;
        }),
      get: (key, sizeBytesMax) => turn(() => this.objects.get(key)?.content.subarray(0, sizeBytesMax) ?? null),
      has: (key) => turn(() => this.objects.has(key)),
      remove: (key) => turn(() => void this.objects.delete(key)),
      list: (prefix) =>
        turn(() =>
          [...this.objects]
            .filter(([key]) => key.startsWith(prefix))
            .map(
              ([key, { content, modifiedMs, tag }]): StoredObject => ({
                key,
                sizeBytes: content.length,
                modifiedMs,
                tag,
              }),
            ),
        ),
      close: () => undefined,
    };
  }

  /** Carries out one call of those that live. False where there is none. */
  step(choose: (count: number) => number): boolean {
    const live = this.pending.filter(({ user }) => !this.dead.has(user));
    const call = live[choose(live.length)];
    if (call === undefined) return false;
    this.pending.splice(this.pending.indexOf(call), 1);
    call.run();
    return true;
  }
}
