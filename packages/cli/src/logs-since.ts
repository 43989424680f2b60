/** The beginning of the logs that are wanted: a time span back from now, or a time. */
import { CommandError } from "@thaw/installation/command-error";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const SPAN = /^(\d{1,9}(?:\.\d{1,9})?)([a-z]?)$/i;
const TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?:Z|[+-]\d\d:\d\d)?$/i;
const HAS_TIME_OF_DAY = /:\d\d/;
const HAS_ZONE = /(?:Z|:\d\d.*[+-]\d\d:\d\d)$/i;

/**
 * Reads `5m`, `2h`, `1d`, a number of minutes, or an ISO time, which is UTC where it names no zone, as all times that
 * `thaw logs` prints. Returns milliseconds since the epoch. Throws a CommandError for anything else.
 */
export function parseSince(text: string, nowMs: number): number {
  const [, amount = "", unit = ""] = SPAN.exec(text.trim()) ?? [];
  const unitMs = UNIT_MS[unit.toLowerCase() || "m"];
  if (amount !== "" && unitMs !== undefined) return Math.max(0, nowMs - Number(amount) * unitMs);
  const timeMs = TIME.test(text.trim()) ? parseTime(text.trim()) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    throw new CommandError(
      `--since ${text}: expected a time span such as 30s, 5m, 2h or 1d, or a time such as 2026-11-29T12:30Z`,
    );
  }
  return timeMs;
}

function parseTime(text: string): number {
  const iso = text.replace(" ", "T");
  return Date.parse(HAS_TIME_OF_DAY.test(iso) && !HAS_ZONE.test(iso) ? `${iso}Z` : iso);
}
