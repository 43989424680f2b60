/** Durations: known values, and what is refused. */
import { expect, it } from "vitest";
import { parseDuration } from "./duration.ts";

it("reads durations with their unit, and nothing else", () => {
  const good = { "50ms": 50, "1.5s": 1500, "0.25ms": 0.25, "9999999s": 9_999_999_000 };
  for (const [text, ms] of Object.entries(good)) expect(parseDuration(text)).toBe(ms);
  const bad = ["", "50", "ms", "50 ms", "50MS", "-1ms", "+1ms", "1e3ms", "0ms", "0.0s", ".5s", "5.s", "1m", "1.2345s"];
  for (const text of [...bad, "12345678ms", "Infinitys", "NaNms", "50ms\n", "٥ms", "0x1s"])
    expect([text, parseDuration(text)]).toEqual([text, null]);
});
