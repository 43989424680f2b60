/**
 * One-minute series of functions over the last six hours. A minute of a function takes 76 bytes, an hour with an
 * invocation about 4.5 KiB; nothing runs by itself, what is old goes when something new comes.
 */
import type { MinuteCounts, MinutePoint, Quantiles } from "../ports/invocation-history.ts";

export const SERIES_MINUTES = 360;
const FUNCTIONS_MAX = 500;
const MINUTE_MS = 60_000;
const MINUTES_OF_BLOCK = 60;
/** Upper bounds of the classes in milliseconds; the twelfth has none. */
const DURATION_BOUNDS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000];
const RESTORE_BOUNDS = [10, 20, 30, 50, 75, 100, 150, 250, 500, 1000, 2500];
const CLASSES = 12;
const CLASS_COUNT_MAX = 65_535;
/** Largest durations are kept in this part of a millisecond. */
const MAX_UNITS_PER_MS = 100;

const COUNTS = ["invocations", "errors", "throttles", "platformErrors", "coldStarts"] as const;
/** Behind the counts: the largest duration, and the largest restore. */
const FIELDS = COUNTS.length + 2;

/** What the series keep of an invocation. */
export interface CountedInvocation {
  readonly outcome: "success" | "error" | "timeout" | "throttled" | "platform-error";
  readonly isCold: boolean;
  readonly durationMs: number | null;
  readonly restoreDurationMs: number | null;
}

/** An hour of a function. */
class Block {
  readonly fields = new Uint32Array(MINUTES_OF_BLOCK * FIELDS);
  readonly classes = new Uint16Array(MINUTES_OF_BLOCK * CLASSES * 2);
}

class FunctionSeries {
  /** By the number of the hour. */
  readonly blocks = new Map<number, Block>();
  lastMinute = 0;

  count(minute: number, { outcome, isCold, durationMs, restoreDurationMs }: CountedInvocation): void {
    this.lastMinute = minute;
    const block = this.#blockOf(minute);
    const at = (minute % MINUTES_OF_BLOCK) * FIELDS;
    const { fields } = block;
    const add = (field: number): void => void (fields[at + field] = (fields[at + field] ?? 0) + 1);
    if (outcome === "throttled") return add(2);
    if (outcome === "platform-error") return add(3);
    add(0);
    if (outcome !== "success") add(1);
    if (isCold) add(4);
    if (durationMs !== null) note(block, minute, 0, durationMs);
    if (restoreDurationMs !== null) note(block, minute, 1, restoreDurationMs);
  }

  #blockOf(minute: number): Block {
    const hour = Math.floor(minute / MINUTES_OF_BLOCK);
    const known = this.blocks.get(hour);
    if (known !== undefined) return known;
    for (const old of this.blocks.keys())
      if ((old + 1) * MINUTES_OF_BLOCK <= minute - SERIES_MINUTES) this.blocks.delete(old);
    const made = new Block();
    this.blocks.set(hour, made);
    return made;
  }
}

/** `kind`: 0 is the duration, 1 the restore. */
function note({ fields, classes }: Block, minute: number, kind: 0 | 1, ms: number): void {
  const minuteOfBlock = minute % MINUTES_OF_BLOCK;
  const field = minuteOfBlock * FIELDS + COUNTS.length + kind;
  fields[field] = Math.max(fields[field] ?? 0, Math.round(ms * MAX_UNITS_PER_MS));
  const bounds = kind === 0 ? DURATION_BOUNDS : RESTORE_BOUNDS;
  let index = 0;
  while (index < CLASSES - 1 && ms > (bounds[index] ?? 0)) index++;
  const first = (minuteOfBlock * 2 + kind) * CLASSES;
  // A class that is full keeps the shape of the whole.
  if (classes[first + index] === CLASS_COUNT_MAX)
    for (let each = first; each < first + CLASSES; each++) classes[each] = (classes[each] ?? 0) >> 1;
  classes[first + index] = (classes[first + index] ?? 0) + 1;
}

/** Sums of minutes, of one function or of many. */
class Sum {
  readonly fields: number[] = Array.from({ length: FIELDS }, () => 0);
  readonly classes: number[] = Array.from({ length: CLASSES * 2 }, () => 0);

  add({ fields, classes }: Block, minuteOfBlock: number): void {
    for (let field = 0; field < FIELDS; field++) {
      const value = fields[minuteOfBlock * FIELDS + field] ?? 0;
      const sum = this.fields[field] ?? 0;
      this.fields[field] = field < COUNTS.length ? sum + value : Math.max(sum, value);
    }
    const first = minuteOfBlock * CLASSES * 2;
    for (let index = 0; index < CLASSES * 2; index++)
      this.classes[index] = (this.classes[index] ?? 0) + (classes[first + index] ?? 0);
  }

  get isEmpty(): boolean {
    return COUNTS.every((_, index) => this.fields[index] === 0);
  }

  get counts(): MinuteCounts {
    const [invocations = 0, errors = 0, throttles = 0, platformErrors = 0, coldStarts = 0] = this.fields;
    return { invocations, errors, throttles, platformErrors, coldStarts };
  }

  quantiles(kind: 0 | 1): Quantiles | null {
    const classes = this.classes.slice(kind * CLASSES, (kind + 1) * CLASSES);
    const max = (this.fields[COUNTS.length + kind] ?? 0) / MAX_UNITS_PER_MS;
    const bounds = kind === 0 ? DURATION_BOUNDS : RESTORE_BOUNDS;
    const count = classes.reduce((sum, each) => sum + each, 0);
    if (count === 0) return null;
    const at = (share: number): number => estimate(classes, bounds, share * count, max);
    return { p50: at(0.5), p90: at(0.9), max };
  }
}

/** Finds the value below which `rank` values are, by going evenly through the class that it falls into. */
function estimate(classes: readonly number[], bounds: readonly number[], rank: number, max: number): number {
  let before = 0;
  for (const [index, count] of classes.entries()) {
    if (count > 0 && before + count >= rank) {
      const low = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      const high = Math.min(bounds[index] ?? max, max);
      return Math.min(low + (Math.max(high - low, 0) * (rank - before)) / count, max);
    }
    before += count;
  }
  return max;
}

export class MinuteSeries {
  /** By the function's ARN. */
  readonly #functions = new Map<string, FunctionSeries>();

  count(functionArn: string, atMs: number, invocation: CountedInvocation): void {
    let series = this.#functions.get(functionArn);
    if (series === undefined) {
      if (this.#functions.size >= FUNCTIONS_MAX) this.#evict();
      this.#functions.set(functionArn, (series = new FunctionSeries()));
    }
    series.count(Math.floor(atMs / MINUTE_MS), invocation);
  }

  /** Gives the points of the minutes up to now in which something happened, in order. */
  points(isWanted: (functionArn: string) => boolean, nowMs: number, minutes: number): readonly MinutePoint[] {
    const now = Math.floor(nowMs / MINUTE_MS);
    const wanted = this.#wanted(isWanted);
    const points: MinutePoint[] = [];
    for (let minute = now - minutes + 1; minute <= now; minute++) {
      const sum = sumOf(wanted, minute, minute);
      if (!sum.isEmpty)
        points.push({
          atMs: minute * MINUTE_MS,
          ...sum.counts,
          duration: sum.quantiles(0),
          restore: sum.quantiles(1),
        });
    }
    return points;
  }

  /** Sums up the last minutes of a function. */
  counts(functionArn: string, nowMs: number, minutes: number): MinuteCounts {
    const now = Math.floor(nowMs / MINUTE_MS);
    return sumOf(this.#one(functionArn), now - minutes + 1, now).counts;
  }

  /** Gives the invocations of each of the last minutes, oldest first. */
  chart(functionArn: string, nowMs: number, minutes: number): readonly number[] {
    const first = Math.floor(nowMs / MINUTE_MS) - minutes + 1;
    const blocks = this.#functions.get(functionArn)?.blocks;
    return Array.from({ length: minutes }, (_, index) => {
      const minute = first + index;
      const block = blocks?.get(Math.floor(minute / MINUTES_OF_BLOCK));
      return block?.fields[(minute % MINUTES_OF_BLOCK) * FIELDS] ?? 0;
    });
  }

  forget(isForgotten: (functionArn: string) => boolean): void {
    for (const functionArn of this.#functions.keys()) if (isForgotten(functionArn)) this.#functions.delete(functionArn);
  }

  #one(functionArn: string): readonly FunctionSeries[] {
    const series = this.#functions.get(functionArn);
    return series === undefined ? [] : [series];
  }

  #wanted(isWanted: (functionArn: string) => boolean): readonly FunctionSeries[] {
    return [...this.#functions].flatMap(([functionArn, series]) => (isWanted(functionArn) ? [series] : []));
  }

  /** Drops the function that was not used for longest. */
  #evict(): void {
    let oldest: string | null = null;
    let lastMinute = Number.POSITIVE_INFINITY;
    for (const [functionArn, series] of this.#functions) {
      if (series.lastMinute >= lastMinute) continue;
      oldest = functionArn;
      lastMinute = series.lastMinute;
    }
    if (oldest !== null) this.#functions.delete(oldest);
  }
}

function sumOf(functions: readonly FunctionSeries[], first: number, last: number): Sum {
  const sum = new Sum();
  for (const { blocks } of functions)
    for (let minute = first; minute <= last; minute++) {
      const block = blocks.get(Math.floor(minute / MINUTES_OF_BLOCK));
      if (block !== undefined) sum.add(block, minute % MINUTES_OF_BLOCK);
    }
  return sum;
}
