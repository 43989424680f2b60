/** Schedule expressions: `cron(…)`, `rate(…)` and, for EventBridge Scheduler, `at(…)`. */
import { Cron } from "./cron.ts";
import { TimeZone } from "./zone.ts";

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 1440 * MINUTE_MS };
/** A thousand years and more: times beyond are no dates. */
const RATE_VALUE_MAX = 1_000_000_000;
const DATE_MS_MAX = 8.64e15;

export type Schedule =
  | { readonly kind: "cron"; readonly cron: Cron; readonly zone: TimeZone }
  | { readonly kind: "rate"; readonly everyMs: number }
  /** Null: the clocks of its zone skip that time. */
  | { readonly kind: "at"; readonly timeMs: number | null };

/** Reads `cron` and `rate`; null where the text is neither. */
export function readSchedule(text: string, zone: TimeZone = TimeZone.utc): Schedule | null {
  const cronText = /^cron\(([^()]*)\)$/.exec(text)?.[1];
  if (cronText !== undefined) {
    const cron = Cron.parse(cronText);
    return cron === null ? null : { kind: "cron", cron, zone };
  }
  const [, value = "", unit = ""] = /^rate\((\d{1,10}) +(minute|hour|day)(?:s)?\)$/.exec(text) ?? [];
  const count = Number(value);
  const unitMs = UNITS[unit];
  if (unitMs === undefined || count < 1 || count > RATE_VALUE_MAX) return null;
  // AWS asks for the singular with 1, and for the plural with any other number.
  if ((count === 1) !== text.endsWith(`${unit})`)) return null;
  return { kind: "rate", everyMs: count * unitMs };
}

/** Reads `at` too. */
export function readOneTimeSchedule(text: string, zone: TimeZone): Schedule | null {
  const [, time] = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(text) ?? [];
  if (time === undefined) return readSchedule(text, zone);
  const wallMs = Date.parse(`${time}Z`);
  // A date that there is not, such as 30 February, is written otherwise.
  if (Number.isNaN(wallMs) || new Date(wallMs).toISOString().slice(0, 19) !== time) return null;
  return { kind: "at", timeMs: zone.timeOf(wallMs) };
}

/**
 * The first time after `afterMs`; null where there is none. Rates count from `anchorMs`, which is none of their times.
 */
export function nextTime(schedule: Schedule, anchorMs: number, afterMs: number): number | null {
  switch (schedule.kind) {
    case "cron":
      return schedule.cron.next(afterMs, schedule.zone);
    case "rate": {
      const count = Math.max(1, Math.floor((afterMs - anchorMs) / schedule.everyMs) + 1);
      const timeMs = anchorMs + count * schedule.everyMs;
      return timeMs > DATE_MS_MAX ? null : timeMs;
    }
    case "at":
      return schedule.timeMs !== null && schedule.timeMs > afterMs ? schedule.timeMs : null;
  }
}
