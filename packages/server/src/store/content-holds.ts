/**
 * Contents that somebody may be about to name in a row: they are not removed. A request first brings a content, or
 * finds it in a row, and writes the row that names it later.
 *
 * A sweep looks twice which contents are named. What is unnamed at the first look can be named later only by a request
 * that had found it before, for which the sweep waits between the looks, or by one that brings it again (`touch`).
 */
export interface Sweep {
  /** Names of the contents that are there. */
  readonly list: () => Promise<readonly string[]>;
  /** Asked twice. */
  readonly look: () => Promise<ContentInUse>;
  readonly remove: (name: string) => Promise<void>;
}

/** Names of contents, of one moment. */
export interface ContentInUse {
  /** Those that rows name. */
  readonly named: ReadonlySet<string>;
  /** Those that environments run; looked at after the rows. */
  readonly run: ReadonlySet<string>;
}

export class ContentHolds {
  readonly #running = new Set<Promise<unknown>>();
  readonly #onTouched: () => void;
  /** Names that were touched since the last sweep began, and those of the time before. */
  #touched = new Set<string>();
  #touchedBefore = new Set<string>();
  readonly #removing = new Map<string, Promise<void>>();

  constructor(onTouched: () => void) {
    this.#onTouched = onTouched;
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Keeps a content that is about to be looked for. Resolves when no removal of it is under way. */
  async touch(name: string): Promise<void> {
    this.#touched.add(name);
    this.#onTouched();
    await this.#removing.get(name);
  }

  /**
   * Removes what is unnamed and not in use. What was touched since the sweep before began stays for this time. Returns
   * how many unnamed contents are still there. One sweep runs at a time.
   */
  async sweep({ list, look, remove }: Sweep): Promise<number> {
    this.#touchedBefore = this.#touched;
    this.#touched = new Set();
    const { named: before } = await look();
    const unnamed = (await list()).filter((name) => !before.has(name));
    if (unnamed.length === 0) return 0;
    await Promise.allSettled(this.#running);
    const { named, run } = await look();
    let left = 0;
    for (const name of unnamed) {
      if (named.has(name)) continue;
      if (run.has(name) || !(await this.#remove(name, remove))) left++;
    }
    return left;
  }

  /** Returns false where somebody may be about to name it. */
  async #remove(name: string, remove: Sweep["remove"]): Promise<boolean> {
    if (this.#touched.has(name) || this.#touchedBefore.has(name)) return false;
    const removing = remove(name);
    // Whoever waits for it only wants its end.
    const ended = removing.catch(() => undefined);
    this.#removing.set(name, ended);
    try {
      await removing;
    } finally {
      this.#removing.delete(name);
    }
    return true;
  }
}
