/**
 * The event buses of one account in one Region, as what puts events on them sees them. Owned by aws/, implemented by
 * control/events.
 */
import type { BusEvent } from "../model/event-bus/event.ts";

export interface EventBuses {
  /**
   * Gives each event to the targets of the rules that it matches; one for a bus that is not there is dropped. Durable
   * when it resolves: the invokes that come of it are accepted. An answer is a sentence that says why the event was not
   * taken; null where it was.
   */
  put(bus: string, events: readonly BusEvent[]): Promise<ReadonlyArray<string | null>>;
  /** Hears that rules were written: their patterns are read anew, and so are their schedules. */
  rulesChanged(): void;
}
