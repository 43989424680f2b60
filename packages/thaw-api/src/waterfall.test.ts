/** The waterfall's layout: every row on its axis, shares that make up the total, and the sentence. */
import { expect, it } from "vitest";
import { layWaterfall, type WaterfallInput } from "./waterfall.ts";

const RESTORED: WaterfallInput = {
  start: "restored",
  totalMs: 112,
  durationMs: 30,
  initDurationMs: null,
  phases: {
    prepare: 2,
    sandbox: 1,
    mount: 1,
    criu: 40,
    connect: 3,
    engine: 48,
    parked: 4,
    hooks: 20,
    restore: 72,
    firstResponse: 25,
    prefetch: 130,
  },
  phaseStarts: {
    prepare: 10,
    sandbox: 10,
    mount: 11,
    criu: 13,
    connect: 53,
    engine: 10,
    parked: 58,
    hooks: 62,
    restore: 10,
    firstResponse: 84,
    prefetch: 14,
  },
};

it("says where the time of a restored clone went, and draws what ran side by side where it ran", () => {
  const { rows, shares, sentence, untilMs } = layWaterfall(RESTORED);
  expect(sentence).toBe(
    "112 ms: 48 ms engine, 30 ms your code, 20 ms your after-restore hooks, 10 ms waiting for its turn, 4.0 ms resuming the runtime",
  );
  expect(shares.map(({ part }) => part)).toEqual(["waiting", "engine", "resume", "hooks", "code"]);
  expect(rows.map(({ name, startMs }) => [name, startMs])).toEqual([
    ["waiting", 0],
    ["engine", 10],
    ["prepare", 10],
    ["sandbox", 10],
    ["mount", 11],
    ["criu", 13],
    ["prefetch", 14],
    ["connect", 53],
    ["parked", 58],
    ["hooks", 62],
    ["handler", 82],
  ]);
  expect(rows.filter(({ isBeside }) => isBeside).map(({ name }) => name)).toEqual(["prefetch"]);
  expect(untilMs).toBe(144);
});

it("keeps off the axis what a parked clone did ahead", () => {
  const { rows, shares } = layWaterfall({
    ...RESTORED,
    totalMs: 54,
    phaseStarts: { engine: -900, criu: -897, parked: -850, restore: 1, hooks: 4 },
    phases: { engine: 48, criu: 40, parked: 4, restore: 23, hooks: 20 },
  });
  expect(rows.filter(({ isAhead }) => isAhead).map(({ name }) => name)).toEqual(["engine", "criu", "parked"]);
  expect(rows.filter(({ isAhead }) => !isAhead).map(({ name, startMs }) => [name, startMs])).toEqual([
    ["waiting", 0],
    ["resume", 1],
    ["hooks", 4],
    ["handler", 24],
  ]);
  expect(shares).toMatchObject([
    { part: "waiting", durationMs: 1 },
    { part: "resume", durationMs: 3 },
    { part: "hooks", durationMs: 20 },
    { part: "code", durationMs: 30 },
  ]);
});

it.for([
  ["warm", 12, 11.5, "12 ms: 12 ms your code, 0.5 ms waiting for its turn; its environment was warm"],
  ["warm", 11.6, 11.5, "12 ms: 12 ms your code; its environment was warm"],
  ["provisioned", 3, 3, "3.0 ms: 3.0 ms your code; it was provisioned"],
  [null, 7, null, "7.0 ms: 7.0 ms waiting for its turn"],
] as const)("says an invocation without phases: %s, %d", ([start, totalMs, durationMs, sentence]) => {
  const given = { start, totalMs, durationMs, initDurationMs: null, phases: {}, phaseStarts: {} };
  expect(layWaterfall(given).sentence).toBe(sentence);
});

it("gives an Init its share", () => {
  const { sentence } = layWaterfall({
    start: "initialised",
    totalMs: 900,
    durationMs: 100,
    initDurationMs: 700,
    phases: { engine: 80, init: 700 },
    phaseStarts: { engine: 1, init: 81 },
  });
  expect(sentence).toBe("900 ms: 700 ms your Init, 119 ms your code, 80 ms engine");
});

it("has no row outside its axis and shares that are the total, whatever the numbers", () => {
  const values = [0, -1e9, 0.01, 50, 1e9, Number.NaN, Number.POSITIVE_INFINITY];
  const names = ["engine", "criu", "prefetch", "parked", "init", "hooks", "__proto__", "other"];
  for (let seed = 1; seed < 500; seed++) {
    let state = seed;
    const next = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return values[state % values.length] ?? 0;
    };
    const times = (): Record<string, number> => Object.fromEntries(names.map((name) => [name, next()]));
    const totalMs = Math.abs(next());
    const { rows, shares, untilMs } = layWaterfall({
      start: seed % 2 === 0 ? "restored" : "warm",
      totalMs,
      durationMs: seed % 3 === 0 ? null : next(),
      initDurationMs: null,
      phases: times(),
      phaseStarts: times(),
    });
    for (const row of rows.filter(({ isAhead }) => !isAhead)) {
      expect(row.startMs).toBeGreaterThanOrEqual(0);
      expect(row.durationMs).toBeGreaterThanOrEqual(0);
      expect(row.startMs + row.durationMs).toBeLessThanOrEqual(untilMs * (1 + 1e-9));
    }
    const sum = shares.reduce((total, { durationMs }) => total + durationMs, 0);
    expect(sum).toBeCloseTo(Number.isFinite(totalMs) ? totalMs : 0, 3);
  }
});
