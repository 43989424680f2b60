import { expect, test } from "vitest";
import type { CloneAnswer } from "./compare-clones.ts";
import { momentsOfInit } from "./init-moments.ts";

const INIT_MS = 100_400;
const SNAPSHOT_MS = 101_000;
const FRESH_MS = 140_200;
const CONTEXT = { given: [], earliestMs: SNAPSHOT_MS - 10_000, latestMs: SNAPSHOT_MS };

/** An answer at a moment, of an environment whose Init was at another one. */
type Value = (nowMs: number, initMs: number) => unknown;

function answers(value: Value, startsMs: readonly number[], initMs: number): readonly CloneAnswer[] {
  return startsMs.map((startedAtMs) => ({
    payload: JSON.stringify({ value: value(startedAtMs + 3, initMs) }),
    log: [],
    sent: [],
    startedAtMs,
    endedAtMs: startedAtMs + 6,
  }));
}

/** Looks at clones of a snapshot that is 38 s old, and at a fresh environment between them. */
function look(value: Value, { laterMs = 4000, freshMs = FRESH_MS } = {}) {
  const first = answers(value, [freshMs - 1000, freshMs - 990], INIT_MS);
  const second = answers(value, [freshMs + laterMs, freshMs + laterMs + 12], INIT_MS);
  const fresh = answers(value, [freshMs, freshMs + 9], freshMs + 1);
  return momentsOfInit([first, second], fresh, CONTEXT);
}

const seconds = (ms: number): number => Math.floor(ms / 1000);
const two = (number: number): string => String(number).padStart(2, "0");
const clock = (s: number): string => `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;

test.for([
  ["Math.floor(Date.now() / 1000) - start", (now: number, init: number) => seconds(now) - seconds(init)],
  ["Math.floor((Date.now() - start) / 1000)", (now: number, init: number) => seconds(now - init)],
  ["rounded seconds", (now: number, init: number) => Math.round((now - init) / 1000)],
  ["whole seconds in milliseconds", (now: number, init: number) => (seconds(now) - seconds(init)) * 1000],
  ["a clock", (now: number, init: number) => clock(seconds(now) - seconds(init))],
  ["a Duration", (now: number, init: number) => `PT${seconds(now) - seconds(init)}S`],
  ["a sentence", (now: number, init: number) => `up for ${seconds(now - init)} seconds`],
  ["a unit", (now: number, init: number) => `up for ${seconds(now - init)}s`],
] as const)("an age of whole seconds is found: %s", ([, value]) => {
  const { found } = look(value);
  expect(found.map(({ isDeadline }) => isDeadline)).toEqual([false]);
  expect(Math.abs((found[0]?.sinceMs ?? 0) - INIT_MS)).toBeLessThan(1100);
});

test.for([
  ["milliseconds", (now: number, init: number) => 300_000 - (now - init)],
  ["seconds with a fraction", (now: number, init: number) => (300_000.5 - (now - init)) / 1000],
  ["whole seconds", (now: number, init: number) => 300 - (seconds(now) - seconds(init))],
  ["a clock", (now: number, init: number) => clock(300 - seconds(now - init))],
] as const)("a countdown from Init is found: %s", ([, value]) => {
  const { found } = look(value);
  expect(found.map(({ isDeadline }) => isDeadline)).toEqual([true]);
  expect(Math.abs((found[0]?.sinceMs ?? 0) - INIT_MS - 300_000)).toBeLessThan(1100);
});

test("a young snapshot and a short look leave it unsure, and a later clone tells", () => {
  const age: Value = (now, init) => seconds(now) - seconds(init);
  const young = { freshMs: SNAPSHOT_MS + 3000 };
  expect(look(age, { ...young, laterMs: 2000 })).toEqual({ found: [], isUnsure: true });
  expect(look(age, { ...young, laterMs: 9000 }).found).toHaveLength(1);
  // Stands still: no age, and said elsewhere.
  expect(look((_now, init) => (init === INIT_MS ? 4 : 0), { ...young, laterMs: 9000 }).found).toEqual([]);
});

test.for([
  ["a number that stands", () => 39],
  ["the time that an invoke has left", () => 2997],
  ["seconds to a day that is in the event or the code", (now: number) => 4_000_000 - seconds(now)],
  ["a count of invokes", (now: number) => (now % 7) + 1],
  ["the time itself", (now: number) => now],
  ["the time in seconds", (now: number) => seconds(now)],
  ["seconds from a moment that all know", (now: number) => seconds(now) - 50],
  ["seconds in the minute", (now: number) => seconds(now) % 60],
  ["seconds since the environment was restored", (now: number) => seconds(now % 5000)],
  ["a random number", (now: number) => (now * 7919) % 100],
] as const)("says nothing of %s", ([, value]) => {
  for (const laterMs of [2000, 4000, 9000]) expect(look(value, { laterMs }).found).toEqual([]);
});

test("says nothing without a fresh environment", () => {
  const clones = [answers((now) => seconds(now), [1000], 0)];
  expect(momentsOfInit(clones, null, CONTEXT)).toEqual({ found: [], isUnsure: false });
});
