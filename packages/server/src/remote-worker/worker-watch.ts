/**
 * Asks a worker again and again whether it is there. A host that is gone, or hangs, ends no connection: whoever waits
 * for an answer of it would wait for ever.
 */
import type { Clock } from "../base/clock.ts";
import { inTime } from "../base/in-time.ts";
import { PLATFORM_ERRORS } from "../model/platform-errors.ts";
import { type Connections, RemoteError } from "./connections.ts";

export const ASKED_EVERY_MS = 5000;
export const SILENCE_MS_MAX = 10_000;

export class WorkerWatch {
  readonly #connections: Connections;
  readonly #clock: Clock;
  #stopTimer: () => void = () => undefined;
  #silence: RemoteError | null = null;
  #isOver = false;

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections;
    this.#clock = clock;
    this.#wait();
  }

  /** The reason why nothing is asked of it; null where it has answered, or was not asked yet. */
  get silence(): RemoteError | null {
    return this.#silence;
  }

  end(): void {
    this.#isOver = true;
    this.#stopTimer();
  }

  #wait(): void {
    if (!this.#isOver) this.#stopTimer = this.#clock.after(ASKED_EVERY_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    // One that refuses, or has no listener, is there: each call gets that answer itself.
    const heard = this.#connections.ask("hello", []).then(
      () => true,
      () => true,
    );
    const isHeard = (await inTime(this.#clock, heard, SILENCE_MS_MAX)) ?? false;
    if (this.#isOver) return;
    this.#silence = isHeard ? null : silent();
    if (!isHeard) this.#connections.cut();
    this.#wait();
  }
}

function silent(): RemoteError {
  const detail = { silentMs: SILENCE_MS_MAX };
  return new RemoteError("WORKER_UNREACHABLE", PLATFORM_ERRORS.WORKER_UNREACHABLE.message, detail);
}
