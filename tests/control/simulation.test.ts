import { expect, test } from "vitest";
import { simulate } from "./simulation.ts";

/** Seeds that once failed, each with what it found. */
const CASES: ReadonlyArray<readonly [number, string]> = [];
const SEEDS = 25;

test.for([...CASES.map(([seed]) => seed), ...Array.from({ length: SEEDS }, (_, index) => index + 1)])(
  "seed %i",
  { timeout: 30_000 },
  async (seed) => {
    const report = await simulate(seed);
    expect(report.problems, `seed ${seed}`).toEqual([]);
  },
);
