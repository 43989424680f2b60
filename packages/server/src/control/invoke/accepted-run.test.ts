import { expect, it } from "vitest";
import { type AcceptedRun, judge } from "./accepted-run.ts";

const NOW_MS = 1_000_000;
const EVENT = { attempts: 2, acceptedAtMs: NOW_MS - 5000 };

function timeout(hasRun: boolean): AcceptedRun {
  return { kind: "ran", executedVersion: "1", outcome: { kind: "restore-timeout", message: "too late", hasRun } };
}

it("a snapshot that did not come in time is no attempt of the function's", () => {
  expect(judge(EVENT, timeout(false), null, NOW_MS)).toEqual({
    kind: "again",
    attempts: 2,
    notBeforeMs: NOW_MS + 5000,
  });
  expect(judge(EVENT, timeout(true), null, NOW_MS)).toMatchObject({
    kind: "given-up",
    givenUp: { condition: "RetriesExhausted", invokeCount: 3 },
  });
});

it("one that never comes is told when the event is too old", () => {
  const acceptedAtMs = NOW_MS - 6 * 3_600_000;
  expect(judge({ ...EVENT, acceptedAtMs }, timeout(false), null, NOW_MS)).toMatchObject({
    kind: "given-up",
    givenUp: { condition: "EventAgeExceeded", lastRun: null, errorMessage: "too late" },
  });
});
