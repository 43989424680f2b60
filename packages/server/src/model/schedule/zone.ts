/** Local times in time zones of the IANA database. */

/** A date and time as a calendar and a clock on a wall show it, in the zone: milliseconds as if it were UTC. */
export type WallMs = number;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No rule for summer time moves a clock by more. */
const SHIFT_MS_MAX = 3 * HOUR_MS;
/** A name of the database: offsets such as `+05:00` are none, and AWS takes none. */
const NAME = /^[A-Za-z]/;

export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;

  private constructor(name: string, format: Intl.DateTimeFormat | null) {
    this.name = name;
    this.#format = format;
  }

  static readonly utc = new TimeZone("UTC", null);

  /** Null where there is no zone of this name. */
  static of(name: string): TimeZone | null {
    if (name === "UTC") return TimeZone.utc;
    if (!NAME.test(name) || name.length > 50) return null;
    try {
      return new TimeZone(name, new Intl.DateTimeFormat("en-US-u-ca-iso8601-nu-latn", { timeZone: name, ...PARTS }));
    } catch {
      return null;
    }
  }

  wallOf(timeMs: number): WallMs {
    return timeMs + this.#offsetMs(timeMs);
  }

  /** True where the clocks are not moved around this time. */
  isSteadyAround(timeMs: number): boolean {
    return this.#offsetMs(timeMs - SHIFT_MS_MAX) === this.#offsetMs(timeMs + SHIFT_MS_MAX);
  }

  /**
   * When the clocks show this time: the first time where they show it twice, null where they skip it. AWS fires once,
   * and not at all: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
   */
  timeOf(wallMs: WallMs): number | null {
    if (this.#format === null) return wallMs;
    // The offset is that of a day before or of a day after: no zone moves its clocks twice in two days.
    const offsets = [this.#offsetMs(wallMs - DAY_MS), this.#offsetMs(wallMs + DAY_MS)];
    const times = offsets.map((offsetMs) => wallMs - offsetMs).filter((timeMs) => this.wallOf(timeMs) === wallMs);
    return times.length === 0 ? null : Math.min(...times);
  }

  #offsetMs(timeMs: number): number {
    if (this.#format === null) return 0;
    const parts = new Map(this.#format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const wallMs = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
    return wallMs - (timeMs - (((timeMs % 1000) + 1000) % 1000));
  }
}

const PARTS: Intl.DateTimeFormatOptions = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
  hourCycle: "h23",
};
