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
    const name = nameOf(table, keys);
    const known = this.#kept.get(name) as Stored<T> | undefined;
    return this.#keep(name, known !== undefined && known.revision === row.revision() ? known : row.read());
  }

  /** The document as it was read last; null where it is not kept. */
  known<T extends object>(table: string, keys: readonly string[]): Stored<T> | null {
    return (this.#kept.get(nameOf(table, keys)) as Stored<T> | undefined) ?? null;
  }

  /** Keeps a document that was just read, the same or another one; null: there is none. */
  keep<T extends object>(table: string, keys: readonly string[], found: Stored<T> | null): Stored<T> | null {
    return this.#keep(nameOf(table, keys), found);
  }

  #keep<T extends object>(name: string, found: Stored<T> | null): Stored<T> | null {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (found !== null) this.#kept.set(name, kept === found ? kept : freeze(found));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return found;
  }
}

function nameOf(table: string, keys: readonly string[]): string {
  return JSON.stringify([table, ...keys]);
}

function freeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === "object" && each !== null) freeze(each as object);
  return Object.freeze(value);
}
