/**
 * Cron expressions as EventBridge and its Scheduler read them: six fields, of which one of the two days is `?`.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
 */
import type { TimeZone, WallMs } from "./zone.ts";

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/** Sunday is 1. */
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MINUTE_MS = 60_000;
const YEAR_MAX = 2199;

interface Field {
  readonly min: number;
  readonly max: number;
  /** Names of values, from `min` on. */
  readonly names: readonly string[];
  /** False: a range does not go on from its end to its beginning. */
  readonly isRound: boolean;
}

const MINUTE: Field = { min: 0, max: 59, names: [], isRound: true };
const HOUR: Field = { min: 0, max: 23, names: [], isRound: true };
const DAY: Field = { min: 1, max: 31, names: [], isRound: true };
const MONTH: Field = { min: 1, max: 12, names: MONTHS, isRound: true };
const WEEKDAY: Field = { min: 1, max: 7, names: WEEKDAYS, isRound: true };
const YEAR: Field = { min: 1970, max: YEAR_MAX, names: [], isRound: false };

/** A day of a calendar; the month is from 0 on, as in dates. */
interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}
type IsDay = (day: Day) => boolean;

export class Cron {
  readonly #minutes: readonly number[];
  readonly #hours: readonly number[];
  readonly #isDay: IsDay;
  readonly #months: ReadonlySet<number>;
  readonly #years: ReadonlySet<number>;

  private constructor(fields: {
    readonly minutes: readonly number[];
    readonly hours: readonly number[];
    readonly isDay: IsDay;
    readonly months: ReadonlySet<number>;
    readonly years: ReadonlySet<number>;
  }) {
    this.#minutes = fields.minutes;
    this.#hours = fields.hours;
    this.#isDay = fields.isDay;
    this.#months = fields.months;
    this.#years = fields.years;
  }

  /** Reads what stands between the brackets of `cron(…)`; null where it is not valid. */
  static parse(text: string): Cron | null {
    const fields = text.trim().split(/\s+/);
    const [minute, hour, day, month, weekday, year] = fields;
    if (fields.length !== 6 || minute === undefined || hour === undefined || day === undefined) return null;
    if (month === undefined || weekday === undefined || year === undefined) return null;
    const minutes = readField(minute, MINUTE);
    const hours = readField(hour, HOUR);
    const months = readField(month, MONTH);
    const years = readField(year, YEAR);
    const isDay = readDays(day.toUpperCase(), weekday.toUpperCase());
    if (minutes === null || hours === null || months === null || years === null || isDay === null) return null;
    const sorted = (values: ReadonlySet<number>): readonly number[] => [...values].toSorted((a, b) => a - b);
    return new Cron({ minutes: sorted(minutes), hours: sorted(hours), isDay, months, years });
  }

  /** The first time after `afterMs`; null where there is none. Times have no seconds. */
  next(afterMs: number, zone: TimeZone): number | null {
    const wallMs = zone.wallOf(afterMs);
    // Where clocks are moved, a time that they have shown already may come once more.
    const fromMs = zone.isSteadyAround(afterMs) ? wallMs : wallMs - 3 * 60 * MINUTE_MS;
    const date = new Date(fromMs);
    let day: Day = { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate() };
    for (; day.year <= YEAR_MAX; day = this.#after(day)) {
      if (!this.#isOn(day)) continue;
      const startMs = Date.UTC(day.year, day.month, day.day);
      for (const wall of this.#timesOf(startMs, fromMs)) {
        const timeMs = zone.timeOf(wall);
        if (timeMs !== null && timeMs > afterMs) return timeMs;
      }
    }
    return null;
  }

  /** The next day that is looked at: months and years that are not meant are left out. */
  #after({ year, month, day }: Day): Day {
    if (!this.#years.has(year)) return { year: year + 1, month: 0, day: 1 };
    if (!this.#months.has(month + 1) || day >= daysOf(year, month))
      return month === 11 ? { year: year + 1, month: 0, day: 1 } : { year, month: month + 1, day: 1 };
    return { year, month, day: day + 1 };
  }

  #isOn(day: Day): boolean {
    return this.#years.has(day.year) && this.#months.has(day.month + 1) && this.#isDay(day);
  }

  *#timesOf(startMs: WallMs, fromMs: WallMs): Generator<WallMs> {
    for (const hour of this.#hours)
      for (const minute of this.#minutes) {
        const wall = startMs + (hour * 60 + minute) * MINUTE_MS;
        if (wall >= fromMs - MINUTE_MS) yield wall;
      }
  }
}

function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}

/** 0 is Sunday. */
function weekdayOf({ year, month, day }: Day): number {
  return new Date(Date.UTC(year, month, day)).getUTCDay();
}

/** Reads a list of values, ranges and steps. */
function readField(text: string, field: Field): ReadonlySet<number> | null {
  const values = new Set<number>();
  for (const part of text.toUpperCase().split(",")) {
    const [range = "", step, ...others] = part.split("/");
    if (others.length > 0) return null;
    const bounds = readRange(range, field, step !== undefined);
    const width = step === undefined ? 1 : readNumber(step);
    if (bounds === null || width === null || width < 1) return null;
    const [from, to] = bounds;
    const count = field.max - field.min + 1;
    const length = to >= from ? to - from : to + count - from;
    for (let offset = 0; offset <= length; offset += width)
      values.add(field.min + ((from - field.min + offset) % count));
  }
  return values;
}

/** A value alone goes on to the end where it has a step: `5/15`. */
function readRange(text: string, field: Field, hasStep: boolean): readonly [number, number] | null {
  if (text === "*") return [field.min, field.max];
  const [first = "", last, ...others] = text.split("-");
  const from = readValue(first, field);
  if (from === null || others.length > 0) return null;
  if (last === undefined) return [from, hasStep ? field.max : from];
  const to = readValue(last, field);
  return to === null || (to < from && !field.isRound) ? null : [from, to];
}

function readValue(text: string, { min, max, names }: Field): number | null {
  const named = names.indexOf(text);
  if (named >= 0) return min + named;
  const value = readNumber(text);
  return value === null || value < min || value > max ? null : value;
}

function readNumber(text: string): number | null {
  return /^\d{1,4}$/.test(text) ? Number(text) : null;
}

/** One of both is `?`, and only one. */
function readDays(day: string, weekday: string): IsDay | null {
  if ((day === "?") === (weekday === "?")) return null;
  return weekday === "?" ? readMonthDays(day) : readWeekdays(weekday);
}

function readMonthDays(text: string): IsDay | null {
  const lists = text.split(",").map((part) => readMonthDay(part));
  const tests = lists.filter((test) => test !== null);
  return tests.length < lists.length ? null : (day) => tests.some((test) => test(day));
}

function readMonthDay(part: string): IsDay | null {
  if (part === "L") return ({ year, month, day }) => day === daysOf(year, month);
  if (part === "LW") return ({ year, month, day }) => day === nearestWorkday(year, month, daysOf(year, month));
  const [, before] = /^L-(\d{1,2})$/.exec(part) ?? [];
  if (before !== undefined)
    return Number(before) > 30 ? null : ({ year, month, day }) => day === daysOf(year, month) - Number(before);
  const [, near] = /^(\d{1,2})W$/.exec(part) ?? [];
  if (near !== undefined) {
    const wanted = readValue(near, DAY);
    return wanted === null ? null : ({ year, month, day }) => day === nearestWorkday(year, month, wanted);
  }
  const days = readField(part, DAY);
  return days === null ? null : ({ day }) => days.has(day);
}

/** The day from Monday to Friday that is nearest, within the month; 0 where the month has no such day. */
function nearestWorkday(year: number, month: number, wanted: number): number {
  const last = daysOf(year, month);
  if (wanted > last) return 0;
  const weekday = weekdayOf({ year, month, day: wanted });
  if (weekday === 6) return wanted === 1 ? 3 : wanted - 1;
  if (weekday === 0) return wanted === last ? wanted - 2 : wanted + 1;
  return wanted;
}

function readWeekdays(text: string): IsDay | null {
  const lists = text.split(",").map((part) => readWeekday(part));
  const tests = lists.filter((test) => test !== null);
  return tests.length < lists.length ? null : (day) => tests.some((test) => test(day));
}

function readWeekday(part: string): IsDay | null {
  if (part === "L") return (day) => weekdayOf(day) === 6;
  const [, lastName] = /^([A-Z]{3}|\d)L$/.exec(part) ?? [];
  if (lastName !== undefined) {
    const weekday = readValue(lastName, WEEKDAY);
    return weekday === null
      ? null
      : (day) => weekdayOf(day) === weekday - 1 && day.day + 7 > daysOf(day.year, day.month);
  }
  const [, name = "", nth] = /^([A-Z]{3}|\d)#(\d)$/.exec(part) ?? [];
  if (nth !== undefined) {
    const weekday = readValue(name, WEEKDAY);
    if (weekday === null || Number(nth) < 1 || Number(nth) > 5) return null;
    return (day) => weekdayOf(day) === weekday - 1 && Math.ceil(day.day / 7) === Number(nth);
  }
  const weekdays = readField(part, WEEKDAY);
  return weekdays === null ? null : (day) => weekdays.has(weekdayOf(day) + 1);
}
