/** Durations as people write them in a budget: `50ms`, `1.5s`. */

const DURATION = /^(\d{1,7}(?:\.\d{1,3})?)(ms|s)$/;
const UNIT_MS = { ms: 1, s: 1000 } as const;

/** Reads a duration in milliseconds; null: it is none, or it is 0. */
export function parseDuration(text: string): number | null {
  const [, value = "", unit] = DURATION.exec(text) ?? [];
  if (unit !== "ms" && unit !== "s") return null;
  const ms = Number(value) * UNIT_MS[unit];
  return ms > 0 ? ms : null;
}
