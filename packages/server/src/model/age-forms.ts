/** The forms in which programs write how long ago something was. Pure. */

/** Reads a text as a time that has gone by, in milliseconds; null where it has another form. */
export type ReadAge = (text: string) => number | null;

/** As many digits as languages write of a floating-point number; Python writes small ones as `5.8e-05`. */
const NUMBER = /^\d{1,19}(?:\.\d{1,25})?(?:e-\d{1,2})?$/;
const WHOLE = /^\d{1,15}$/;
/** Python's timedelta, Go's and others' clocks: `0:07:17.642463`, `2 days, 0:07:17.642463`. */
const CLOCK = /^(?:(\d{1,6}) days?, )?(\d{1,6}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)$/;
/** Java's Duration: `PT7M17.642S`. */
const ISO = /^P(?:(\d{1,6})D)?T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(\d{1,9}(?:\.\d{1,9})?)S$/;
const WITH_UNIT = /^(\d{1,19}(?:\.\d{1,25})?)(ns|us|µs|μs|ms|s)$/;
const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000 };

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];

/** A number without a unit may have any; seconds and longer ones only with a fraction: whole ones fit everywhere. */
export const AGE_FORMS: readonly ReadAge[] = [
  (text) => (NUMBER.test(text) ? Number(text) : null),
  (text) => (NUMBER.test(text) && text.includes(".") ? Number(text) * 1000 : null),
  (text) => (NUMBER.test(text) ? Number(text) / 1e3 : null),
  (text) => (NUMBER.test(text) ? Number(text) / 1e6 : null),
  (text) => hoursMs(CLOCK.exec(text), true),
  (text) => hoursMs(ISO.exec(text), true),
  withUnit,
  ...[MINUTE_MS, HOUR_MS, DAY_MS].map(
    (unitMs) =>
      (text: string): number | null =>
        NUMBER.test(text) && text.includes(".") ? Number(text) * unitMs : null,
  ),
];

/** Forms of whole seconds, also of milliseconds that are some. */
export const WHOLE_AGE_FORMS: readonly ReadAge[] = [
  (text) => (WHOLE.test(text) ? Number(text) * 1000 : null),
  (text) => (WHOLE.test(text) && Number(text) % 1000 === 0 ? Number(text) : null),
  (text) => hoursMs(CLOCK.exec(text), false),
  (text) => hoursMs(ISO.exec(text), false),
  (text) => (/^\d{1,15}s$/.test(text) ? Number(text.slice(0, -1)) * 1000 : null),
];

/** Null for a text that has no fraction though it must have one, and the other way round. */
function hoursMs(parts: RegExpExecArray | null, hasFraction: boolean): number | null {
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = parts ?? [];
  if (parts === null || seconds.includes(".") !== hasFraction) return null;
  return Number(days) * DAY_MS + Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * 1000;
}

function withUnit(text: string): number | null {
  const [, number = "", unit = ""] = WITH_UNIT.exec(text) ?? [];
  const isWhole = unit === "s" && !number.includes(".");
  return unit === "" || isWhole ? null : Number(number) * (UNITS[unit] ?? 1);
}
