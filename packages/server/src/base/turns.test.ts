import { expect, it } from "vitest";
import { slowClock, turnsDuring } from "./testing/slow-clock.ts";
import { inTurns, Turns } from "./turns.ts";

async function work(stepMs: number): Promise<void> {
  const turns = new Turns(slowClock(stepMs));
  for (let each = 0; each < 100; each++) await turns.next();
}

it("others have their turn in the middle of long work, and not in the middle of short work", async () => {
  expect(await turnsDuring(() => work(0))).toBe(0);
  expect(await turnsDuring(() => work(25))).toBeGreaterThanOrEqual(50);
});

it("steps of a generator are carried out in turns, to the value that it gives", async () => {
  function* steps(): Generator<void, string> {
    for (let each = 0; each < 100; each++) yield;
    return "done";
  }
  const given: string[] = [];
  const run = async (stepMs: number): Promise<void> => void given.push(await inTurns(slowClock(stepMs), steps()));
  expect(await turnsDuring(() => run(0))).toBe(0);
  expect(await turnsDuring(() => run(25))).toBeGreaterThanOrEqual(50);
  expect(given).toEqual(["done", "done"]);
});
