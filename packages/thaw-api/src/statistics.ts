/**
 * Figures of a row of measurements, and the axis that they are drawn on, for the console and the command line alike.
 * Nothing is left out as an outlier.
 */

export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly q1: number;
  readonly p50: number;
  readonly q3: number;
  readonly p90: number;
  readonly max: number;
}

/** Null where there is no value. */
export function distributionOf(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    min: quantile(sorted, 0),
    q1: quantile(sorted, 0.25),
    p50: quantile(sorted, 0.5),
    q3: quantile(sorted, 0.75),
    p90: quantile(sorted, 0.9),
    max: quantile(sorted, 1),
  };
}

/** `sorted` has at least one value. Between two values the line between them counts, as in R, NumPy and Excel. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

const TICKS_MAX = 6;

/** A step of an axis up to `endMs`: 1, 2 or 5 times a power of ten, so that there are at most six. */
export function tickStep(endMs: number): number {
  const rough = Math.max(endMs, 1) / TICKS_MAX;
  const power = 10 ** Math.max(Math.ceil(Math.log10(rough)) - 1, 0);
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power;
}
