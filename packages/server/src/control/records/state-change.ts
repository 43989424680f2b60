/**
 * The time for which `Pending` and `InProgress` can be seen. Nothing is left to do then, but on AWS a change takes its
 * time, and tools rely on seeing it.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";

/** Resolves after `delayMs`; 0: in the next turn, after the answer that shows the state. */
export async function stateChange(clock: Pick<Clock, "after">, delayMs: number): Promise<void> {
  if (delayMs === 0) await nextTurn();
  else await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
}
