/** Numbers as people read them, in the words of the command line. */
export { inMilliseconds } from "@thaw/thaw-api/waterfall";

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** Bytes in binary units. */
export function inBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** A length of time in its two largest units. */
export function inWords(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 0);
  if (whole < MINUTE_S) return `${whole} s`;
  if (whole < HOUR_S) return withRest(Math.floor(whole / MINUTE_S), "min", whole % MINUTE_S, "s");
  if (whole < DAY_S) return withRest(Math.floor(whole / HOUR_S), "h", Math.floor((whole % HOUR_S) / MINUTE_S), "min");
  return withRest(Math.floor(whole / DAY_S), "d", Math.floor((whole % DAY_S) / HOUR_S), "h");
}

/** A time as it lies before another one, in its largest unit. */
export function ago(atMs: number, nowMs: number): string {
  const seconds = (nowMs - atMs) / 1000;
  // Clocks of browser and server may differ.
  if (seconds < 1) return "now";
  return `${inWords(seconds).replace(/^(\d+ \w+) .*/, "$1")} ago`;
}

/** Milliseconds since the epoch of a time in ISO 8601; null where there is none. */
export function timeOf(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Date.parse(text);
}

/** `1 version`, `2 versions`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function withRest(value: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${value} ${unit}` : `${value} ${unit} ${rest} ${restUnit}`;
}
