/** What was made last, by keys that name one state of something: so that a request does not make it again. */

export class Recent<T> {
  readonly #sizeMax: number;
  readonly #kept = new Map<string, T>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key);
  }

  /** The oldest goes. */
  keep(key: string, value: T): T {
    this.#kept.set(key, value);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#sizeMax && oldest !== undefined) this.#kept.delete(oldest);
    return value;
  }
}
