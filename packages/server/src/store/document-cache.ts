/**
 * Documents as they were read last. A row gets a revision that it never had before each time it is written, by
 * whichever server on the same data: a document whose revision is still its row's is not read and parsed again.
 */
import type { Revision, Stored } from "../ports/metadata-store.ts";

const KEPT_MAX = 256;

/** One row; both give null where there is none. */
export interface Row<T> {
  readonly revision: () => Revision | null;
  readonly read: () => Stored<T> | null;
}

export class DocumentCache {
  /** The one that was not asked for longest first. */
  readonly #kept = new Map<string, Stored<object>>();

  /** Finds a document, which several callers share from then on: none can change it. */
  find<T extends object>(table: string, keys: readonly string[], row: Row<T>): Stored<T> | null {
    const name = JSON.stringify([table, ...keys]);
    const kept = this.#kept.get(name) as Stored<T> | undefined;
    this.#kept.delete(name);
    const found = kept !== undefined && kept.revision === row.revision() ? kept : row.read();
    if (found !== null) this.#kept.set(name, kept === found ? kept : freeze(found));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return found;
  }
}

function freeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === "object" && each !== null) freeze(each as object);
  return Object.freeze(value);
}
