/** A clock on which each look takes time, as work between two looks does. */
export function slowClock(stepMs: number): { monotonicMs(): number } {
  let nowMs = 0;
  return { monotonicMs: () => (nowMs += stepMs) };
}

/** Counts the turns of the event loop until the work is done. */
export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let next = setImmediate(function count() {
    turns++;
    next = setImmediate(count);
  });
  try {
    await work();
  } finally {
    clearImmediate(next);
  }
  return turns;
}
