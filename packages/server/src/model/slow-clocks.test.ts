import fc from "fast-check";
import { expect, it } from "vitest";
import type { CloneAnswer } from "./compare-clones.ts";
import { slowClocks } from "./slow-clocks.ts";

fc.configureGlobal({ seed: 1 });

const CREATED_AT_MS = Date.parse("2026-05-01T12:00:00.000Z");
const CONTEXT = { given: [], snapshotCreatedAtMs: CREATED_AT_MS };
/** When the first clone, the fresh environment and the second clone get their events. */
const STARTS_MS = { one: 60_000, fresh: 90_000, two: 120_000 };

/** Three answers 10 ms apart, each of a time that the function reckons from the offset of now to the snapshot. */
function answers(startMs: number, valueOf: (nowMs: number, sinceStartMs: number) => unknown): readonly CloneAnswer[] {
  return [0, 10, 20].map((afterMs) => {
    const startedAtMs = CREATED_AT_MS + startMs + afterMs;
    const payload = JSON.stringify({ at: valueOf(startedAtMs + 2, afterMs + 2) });
    return {
      payload,
      log: [`at ${String(valueOf(startedAtMs + 2, afterMs + 2))}`],
      sent: [],
      startedAtMs,
      endedAtMs: startedAtMs + 5,
    };
  });
}

type Form = (ms: number) => unknown;
const iso: Form = (ms) => new Date(ms).toISOString();

function check(clock: Form, right: Form = clock, withFresh = true) {
  const stopped = (startMs: number) => answers(startMs, (_nowMs, sinceMs) => clock(CREATED_AT_MS + sinceMs));
  const fresh = answers(STARTS_MS.fresh, (nowMs) => right(nowMs));
  return slowClocks([stopped(STARTS_MS.one), stopped(STARTS_MS.two)], withFresh ? fresh : null, CONTEXT);
}

it.for([
  ["ISO text", iso],
  ["milliseconds", (ms: number) => ms],
  ["milliseconds with a fraction", (ms: number) => ms + 0.25],
  ["seconds", (ms: number) => ms / 1000],
  ["a time to come", (ms: number) => iso(ms + 3_600_000)],
] as const)("finds a time that goes on where the snapshot stopped: %s", ([, form]) => {
  const found = check(form);
  expect(found.map(({ place }) => place)).toEqual(["response.at", "log line 1"]);
  for (const { behindMs } of found) expect(Math.abs(behindMs - STARTS_MS.one)).toBeLessThan(30);
});

it("finds it without a fresh environment, too, but not a time to come", () => {
  expect(check(iso, iso, false).map(({ place }) => place)).toEqual(["response.at", "log line 1"]);
  expect(check((ms) => iso(ms + 3_600_000), iso, false)).toEqual([]);
});

it("says nothing of a clock that is right, whatever the times", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 10 ** 9 }),
      fc.integer({ min: 1000, max: 10 ** 7 }),
      fc.integer({ min: -(10 ** 8), max: 10 ** 8 }),
      (age, gap, offset) => {
        const right = (startMs: number): readonly CloneAnswer[] => answers(startMs, (nowMs) => iso(nowMs + offset));
        expect(slowClocks([right(age), right(age + 2 * gap)], right(age + gap), CONTEXT)).toEqual([]);
      },
    ),
  );
});

it("says nothing of a time that stands still, nor of one that a clone has noted for itself", () => {
  const still = (startMs: number): readonly CloneAnswer[] => answers(startMs, () => iso(CREATED_AT_MS - 500));
  expect(slowClocks([still(60_000), still(120_000)], still(90_000), CONTEXT)).toEqual([]);
  const noted = (startMs: number): readonly CloneAnswer[] => answers(startMs, () => iso(CREATED_AT_MS + startMs + 1));
  expect(slowClocks([noted(60_000), noted(120_000)], noted(90_000), CONTEXT)).toEqual([]);
  const lastSeen = (startMs: number): readonly CloneAnswer[] => answers(startMs, (nowMs) => iso(nowMs - 5000));
  expect(slowClocks([lastSeen(60_000), lastSeen(120_000)], lastSeen(90_000), CONTEXT)).toEqual([]);
});
