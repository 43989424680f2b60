/** Events for one reader, in order. The reader is the environment's driver: everyone else only puts. */
export class Inbox<E> {
  readonly #events: E[] = [];
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

  /** All that is waiting, without waiting for more. */
  drain(): E[] {
    return this.#events.splice(0);
  }
}
