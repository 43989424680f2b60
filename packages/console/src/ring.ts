/** The newest items, up to a number of them. */
export class Ring<T> {
  readonly #size: number;
  #items: T[] = [];
  /** Index of the oldest, once all places are taken. */
  #first = 0;
  /** Items that were ever added. */
  added = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Gives the oldest where it goes for the new one. */
  push(item: T): T | undefined {
    this.added++;
    if (this.#items.length < this.#size) {
      this.#items.push(item);
      return undefined;
    }
    const oldest = this.#items[this.#first];
    this.#items[this.#first] = item;
    this.#first = (this.#first + 1) % this.#size;
    return oldest;
  }

  /** Gives the items of these places, 0 the oldest. */
  slice(from: number, until: number): T[] {
    const end = Math.min(until, this.#items.length);
    const found: T[] = [];
    for (let at = Math.max(from, 0); at < end; at++)
      found.push(this.#items[(this.#first + at) % this.#items.length] as T);
    return found;
  }

  clear(): void {
    this.#items = [];
    this.#first = 0;
  }
}
