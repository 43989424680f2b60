/** What a registry sends, with a limit on how long it may let us wait for it. */
import type { Clock } from "../base/clock.ts";
import { inTime } from "../base/in-time.ts";

/** So much must come within so much waiting: 35 KiB/s. Time in which we write what has come does not count. */
const SIZE_BYTES_MIN = 1024 * 1024;
const WAIT_MS_MAX = 30_000;

/** Says what was too slow. */
export class TooSlowError extends Error {}

/**
 * Waits for the head of an answer, then hands on its body as it comes.
 *
 * @throws TooSlowError where the registry is silent or too slow, else what `fetch` throws.
 */
export class Paced {
  readonly #clock: Clock;
  readonly #closed: AbortSignal;
  readonly #abort = new AbortController();

  /** @param closed - Ends what is being read. */
  constructor(clock: Clock, closed: AbortSignal) {
    this.#clock = clock;
    this.#closed = closed;
  }

  /** Redirects are not followed: where they may lead is the caller's to say. */
  async fetch(url: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
    const signal = AbortSignal.any([this.#abort.signal, this.#closed]);
    const answer = await this.#wait(fetch(url, { headers, signal, redirect: "manual" }), WAIT_MS_MAX);
    if (answer === null) throw this.#late("it does not answer");
    return answer;
  }

  async *body({ body }: Response): AsyncGenerator<Buffer, void> {
    if (body === null) return;
    const reader = body.getReader();
    let [sizeBytes, waitedMs] = [0, 0];
    try {
      for (;;) {
        const begunMs = this.#clock.monotonicMs();
        const read = await this.#wait(reader.read(), WAIT_MS_MAX - waitedMs);
        if (read === null) throw this.#late("it sends too slowly");
        if (read.done) return;
        waitedMs += this.#clock.monotonicMs() - begunMs;
        sizeBytes += read.value.length;
        if (sizeBytes >= SIZE_BYTES_MIN) [sizeBytes, waitedMs] = [0, 0];
        yield Buffer.from(read.value.buffer, read.value.byteOffset, read.value.length);
      }
    } finally {
      // Whoever stops reading wants nothing more of it.
      await reader.cancel().catch(() => undefined);
    }
  }

  #wait<T>(work: Promise<T>, limitMs: number): Promise<T | null> {
    return inTime(this.#clock, work, limitMs);
  }

  #late(what: string): TooSlowError {
    this.#abort.abort();
    return new TooSlowError(`${what} (at least 1 MiB is expected in ${WAIT_MS_MAX / 1000} s)`);
  }
}
