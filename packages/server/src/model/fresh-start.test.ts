import fc from "fast-check";
import { expect, it } from "vitest";
import type { CloneAnswer } from "./compare-clones.ts";
import { agesOfInit, keptWords, movingPlaces, repeatedRows } from "./fresh-start.ts";

fc.configureGlobal({ seed: 1 });

function answer(value: unknown, log: readonly string[] = [], startedAtMs = 0): CloneAnswer {
  return { payload: JSON.stringify(value), log, sent: [], startedAtMs, endedAtMs: startedAtMs + 5 };
}

const row = (values: readonly unknown[]): readonly CloneAnswer[] => values.map((value) => answer({ value }));

it("finds whatever is the same in all clones and another one in the fresh environment, and nothing else", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (kept, fresh) => {
      const clone = [answer({ kept, same: 1 }), answer({ kept, same: 1 })];
      const found = keptWords([clone, clone], [answer({ kept: fresh, same: 1 }), answer({ kept: fresh, same: 1 })], []);
      for (const word of found) expect(word.place).toMatch(/^response\.kept/);
      if (typeof kept === "number" && typeof fresh === "number" && String(kept) !== String(fresh))
        expect(found).toHaveLength(1);
      expect(keptWords([clone, clone], clone, [])).toEqual([]);
    }),
  );
});

it("says nothing of what moves in one of them: durations, counts, what a clone has made for itself", () => {
  expect(keptWords([row([0, 0]), row([0, 0])], row([12, 1]), [])).toEqual([]);
  expect(keptWords([row([1, 2]), row([1, 2])], row([1, 2]), [])).toEqual([]);
  expect(keptWords([row(["a", "a"]), row(["b", "b"])], row(["c", "c"]), [])).toEqual([]);
  expect(
    keptWords(
      [row(["snap-start", "snap-start"]), row(["snap-start", "snap-start"])],
      row(["on-demand", "on-demand"]),
      [],
    ),
  ).toEqual([]);
});

it("compares words of logs by their lines from the end, without the event's texts", () => {
  const clone = [answer(null, ["restored", "shard 7 has hello"]), answer(null, ["shard 7 has hello"])];
  const fresh = [answer(null, ["starts", "reads", "shard 12 has hello"]), answer(null, ["shard 12 has hello"])];
  expect(keptWords([clone, clone], fresh, ["hello"])).toEqual([
    { place: "log line 1, word 2 of 3", text: "7", freshText: "12" },
  ]);
});

it("compares words of texts that have as many, and other texts as a whole", () => {
  const clone = row(["key 4f a1", "key 4f a1"]);
  expect(keptWords([clone, clone], row(["key 4f . b2", "key 4f . b2"]), [])).toEqual([
    { place: "response.value", text: "key 4f a1", freshText: "key 4f . b2" },
  ]);
  expect(keptWords([clone, row(["key . 4f b2", "key . 4f b2"])], row(["key 00 a1", "key 00 a1"]), [])).toEqual([]);
});

it("takes a long row that repeats for a generator, not one that stands, counts alike, or differs at the beginning only", () => {
  const dice = [3, 5, 1, 1, 6, 2, 3, 3, 4, 6, 1, 2];
  const others = [2, 2, 6, 4, 1, 5, 5, 3, 1, 2, 6, 4];
  const count = dice.map((_value, index) => index);
  const tookMs = dice.map((_value, index) => (index === 0 ? 12 : index % 2));
  expect(movingPlaces([row(dice), row(dice)], row(others), [])).toEqual(["response.value"]);
  expect(repeatedRows([row(dice), row(dice)], row(others), [])).toHaveLength(1);
  expect(repeatedRows([row(dice), row(others)], row(dice), [])).toEqual([]);
  expect(repeatedRows([row(count), row(count)], row(count), [])).toEqual([]);
  expect(repeatedRows([row(tookMs), row(tookMs)], row([90, ...tookMs.slice(1)]), [])).toEqual([]);
});

it("tells a time that has gone by since Init from numbers that are none", () => {
  const context = { given: [], earliestMs: 1000, latestMs: 1_000_000 };
  const at = (values: readonly unknown[]): ReadonlyArray<readonly CloneAnswer[]> => [
    values.slice(0, 2).map((value, index) => answer({ value }, [], 2_000_000 + index * 10)),
    values.slice(2).map((value, index) => answer({ value }, [], 2_001_000 + index * 10)),
  ];
  fc.assert(
    fc.property(fc.integer({ min: 2000, max: 900_000 }), fc.constantFrom(1, 1000), (initMs, unitMs) => {
      const ages = [2_000_003, 2_000_012, 2_001_004, 2_001_013].map((nowMs) => (nowMs - initMs) / unitMs);
      const found = agesOfInit(at(ages), context);
      if (unitMs === 1 || ages.every((age) => !Number.isInteger(age)))
        expect(found.map((age) => age.place)).toEqual(["response.value"]);
      for (const age of found) expect(Math.abs(age.sinceMs - initMs)).toBeLessThan(30);
    }),
  );
  // A time-out, the time of the invoke, a count of what a store has, an age from after the snapshot.
  for (const values of [
    [1_500_000, 1_500_000, 1_500_000, 1_500_000],
    [2_000_003, 2_000_012, 2_001_004, 2_001_013],
    [1, 2, 3, 4],
    [500, 510, 1500, 1510],
  ])
    expect(agesOfInit(at(values), context)).toEqual([]);
});

it.for([
  ["microseconds", (ms: number) => Math.round(ms * 1000)],
  ["nanoseconds", (ms: number) => Math.round(ms * 1e6)],
  ["a timedelta", (ms: number) => `0:${String(Math.floor(ms / 60_000)).padStart(2, "0")}:${clockSeconds(ms)}`],
  ["a Duration", (ms: number) => `PT${Math.floor(ms / 60_000)}M${(ms % 60_000) / 1000}S`],
  ["a Duration of seconds", (ms: number) => `PT${(ms / 1000).toFixed(3)}S`],
  ["Python's seconds", (ms: number) => (ms + 0.123456789) / 1000 + Number.EPSILON],
  ["Python's small numbers", (ms: number) => (ms / 86_400_000).toExponential(12).replace(/e-(\d)$/, "e-0$1")],
  ["minutes", (ms: number) => ms / 60_000],
  ["hours", (ms: number) => ms / 3_600_000],
  ["days", (ms: number) => ms / 86_400_000],
  ["days of a rounded number", (ms: number) => `up for ${(ms / 86_400_000).toFixed(9)} days`],
  ["a unit", (ms: number) => `up ${ms}ms`],
  ["a unit of seconds", (ms: number) => `up ${(ms / 1000).toFixed(3)}s`],
] as const)("an age is found in the form of %s", ([, form]) => {
  const context = { given: [], earliestMs: 1000, latestMs: 1_000_000 };
  const initMs = 100_003;
  const ages = [10_007, 10_011, 12_001, 12_013];
  const answers = ages.map((age, index) => answer({ value: form(age) }, [], initMs + age - (index % 2)));
  const [found, ...others] = agesOfInit([answers.slice(0, 2), answers.slice(2)], context);
  expect(others).toEqual([]);
  expect(Math.abs((found?.sinceMs ?? 0) - initMs)).toBeLessThan(30);
  const same = ages.map((age) => answer({ value: form(10_007) }, [], initMs + age));
  expect(agesOfInit([same.slice(0, 2), same.slice(2)], context)).toEqual([]);
});

function clockSeconds(ms: number): string {
  return ((ms % 60_000) / 1000).toFixed(6).padStart(9, "0");
}

it("documents that are deeper than can be walked through have no words there", () => {
  const deep = (word: string): CloneAnswer => ({
    ...answer({}),
    payload: `{"a":"${word}","b":${"[".repeat(200_000)}"${word}"${"]".repeat(200_000)}}`,
  });
  const kept = keptWords([[deep("one")], [deep("one")]], [deep("two")], []);
  expect(kept.map(({ place }) => place)).toEqual(["response.a"]);
});
