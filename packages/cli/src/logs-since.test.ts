import { it } from "vitest";
import { parseSince } from "./logs-since.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");

it.for<[string, string]>([
  ["30s", "2026-11-29T11:59:30.000Z"],
  ["5m", "2026-11-29T11:55:00.000Z"],
  ["5", "2026-11-29T11:55:00.000Z"],
  ["1.5h", "2026-11-29T10:30:00.000Z"],
  ["2H", "2026-11-29T10:00:00.000Z"],
  ["1d", "2026-11-28T12:00:00.000Z"],
  ["2w", "2026-11-15T12:00:00.000Z"],
  ["999999999d", "1970-01-01T00:00:00.000Z"],
  ["2026-11-28", "2026-11-28T00:00:00.000Z"],
  ["2026-11-28T10:00", "2026-11-28T10:00:00.000Z"],
  ["2026-11-28 10:00:01", "2026-11-28T10:00:01.000Z"],
  ["2026-11-28T10:00:01.5+02:00", "2026-11-28T08:00:01.500Z"],
  ["2026-11-28T10:00Z", "2026-11-28T10:00:00.000Z"],
])("%s is %s", ([text, expected], { expect }) => {
  expect(new Date(parseSince(text, NOW)).toISOString()).toBe(expected);
});

it.for(["", "5x", "m", "-5m", "yesterday", "2026-13-01", "2026-11-28T25:00", "5m5m", "1e9"])(
  "%s is refused with what is expected",
  (text, { expect }) => {
    expect(() => parseSince(text, NOW)).toThrow(/expected a time span such as 30s, 5m, 2h or 1d, or a time/);
  },
);
