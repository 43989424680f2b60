/** Readers of what is written, whatever its group. */
import { SkippingFollowers } from "../base/skipping-followers.ts";
import { type Skipped, SkippingQueue } from "../base/skipping-queue.ts";
import type { WrittenLogEvent } from "../ports/log-store.ts";
import type { EventRun } from "./log-database.ts";

const QUEUE_LENGTH_MAX = 10_000;
const QUEUE_BYTES_MAX = 1024 * 1024;
/** What an event takes besides its message. */
const EVENT_BYTES = 128;

export class WrittenFollowers {
  readonly #followers = new SkippingFollowers<WrittenLogEvent>(
    () =>
      new SkippingQueue({
        lengthMax: QUEUE_LENGTH_MAX,
        sizeMax: QUEUE_BYTES_MAX,
        sizeOf: ({ message }) => message.length + EVENT_BYTES,
      }),
    (event) => event,
  );

  /** Tells what was written; ids follow one another from `firstId` on, over all runs. */
  tell(runs: readonly EventRun[], firstId: number): void {
    if (this.#followers.isEmpty) return;
    let id = firstId;
    for (const { groupArn, logStream, events } of runs)
      for (const [timestampMs, message, origin] of events)
        this.#followers.tell({ groupArn, logStream, timestampMs, message, origin, id: id++ });
  }

  /** Null: there are too many. */
  follow(
    isWanted: (event: WrittenLogEvent) => boolean,
    signal: AbortSignal,
  ): AsyncIterable<ReadonlyArray<WrittenLogEvent | Skipped>> | null {
    return this.#followers.follow(isWanted, signal);
  }
}
