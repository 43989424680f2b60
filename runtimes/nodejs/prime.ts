/**
 * The events of thaw.prime.json, which the client serves like requests before the snapshot: `{"events": [...],
 * "times": 3}`. Their answers go nowhere.
 */
import { readFileSync } from "node:fs";

const PRIMES = "/var/task/thaw.prime.json";
const TIMES_MAX = 1000;

export function readPrimeEvents(): readonly string[] {
  try {
    const { events, times = 1 } = JSON.parse(readFileSync(PRIMES, "utf8")) as { events: unknown[]; times?: number };
    const bodies = events.map((event) => JSON.stringify(event));
    return Array.from({ length: Math.min(times, TIMES_MAX) }, () => bodies).flat();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      console.error(`thaw.prime.json can't be read, nothing is primed: ${String(error)}`);
    return [];
  }
}
