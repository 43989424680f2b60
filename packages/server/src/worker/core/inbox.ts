/** Events for one reader, in order. The reader is the environment's driver; everybody else puts. */
export class Inbox<E> {
  #events: E[] = [];
  #wake: ((event: E) => void) | null = null;

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  put(event: E): void {
    const wake = this.#wake;
    if (wake === null) {
      this.#events.push(event);
      return;
    }
    this.#wake = null;
    wake(event);
  }

  take(): Promise<E> {
    const event = this.#events.shift();
    if (event !== undefined) return Promise.resolve(event);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Takes all that is there, without waiting for more. */
  drain(): E[] {
    return this.#events.splice(0);
  }

  /** Throws events away that nobody needs any more. */
  discard(isStale: (event: E) => boolean): void {
    if (this.#events.length > 0) this.#events = this.#events.filter((event) => !isStale(event));
  }
}
