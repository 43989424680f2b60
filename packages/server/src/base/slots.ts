/** A bound on the work that goes on at the same time. */

/** Runs at most `limit` jobs at once; the others wait in order. */
export class Slots {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /**
   * Runs a job for each of `items`, in any order. The first failure rejects when the running jobs have ended; no
   * further ones begin.
   */
  async each<T>(items: Iterable<T>, job: (item: T) => Promise<void>): Promise<void> {
    let failure: { readonly error: unknown } | null = null;
    const all = [...items].map((item) =>
      this.run(async () => {
        if (failure !== null) return;
        try {
          await job(item);
        } catch (error) {
          failure ??= { error };
        }
      }),
    );
    await Promise.all(all);
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
  }
}
