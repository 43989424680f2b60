/** A measured series and what is said of it. */
export interface Series {
  readonly name: string;
  readonly unit: "µs" | "/s" | "ms" | "s" | "MB" | "MB/s" | "MiB" | "%" | "pages" | "faults";
  readonly values: readonly number[];
}

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
  readonly p99: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: values.length, median: at(0.5), p25: at(0.25), p75: at(0.75), p99: at(0.99) };
}
