/** The forms in which programs write how long ago something was. Pure. */

/** Reads a text as a time that has gone by, in milliseconds; null where it has another form. */
type ReadAge = (text: string) => number | null;

const NUMBER = /^\d{1,19}(\.\d{1,12})?$/;
/** Python's timedelta, Go's and others' clocks: `0:07:17.642463`. Of whole seconds nothing can be told. */
const CLOCK = /^(\d{1,6}):([0-5]\d):([0-5]\d\.\d{1,9})$/;
/** Java's Duration: `PT7M17.642S`. */
const ISO = /^PT(?:(\d{1,9})H)?(?:(\d{1,9})M)?(\d{1,9}\.\d{1,9})S$/;
const WITH_UNIT = /^(\d{1,19}(?:\.\d{1,12})?)(ns|us|µs|μs|ms|s)$/;
const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000 };

/** A number without a unit may have any; seconds only with a fraction: whole ones fit everywhere. */
export const AGE_FORMS: readonly ReadAge[] = [
  (text) => (NUMBER.test(text) ? Number(text) : null),
  (text) => (NUMBER.test(text) && text.includes(".") ? Number(text) * 1000 : null),
  (text) => (NUMBER.test(text) ? Number(text) / 1e3 : null),
  (text) => (NUMBER.test(text) ? Number(text) / 1e6 : null),
  (text) => hoursMs(CLOCK.exec(text)),
  (text) => hoursMs(ISO.exec(text)),
  withUnit,
];

function hoursMs(parts: RegExpExecArray | null): number | null {
  if (parts === null) return null;
  const [, hours = "0", minutes = "0", seconds = "0"] = parts;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
}

function withUnit(text: string): number | null {
  const [, number = "", unit = ""] = WITH_UNIT.exec(text) ?? [];
  const isWhole = unit === "s" && !number.includes(".");
  return unit === "" || isWhole ? null : Number(number) * (UNITS[unit] ?? 1);
}
