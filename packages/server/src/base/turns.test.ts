import { expect, it } from "vitest";
import { slowClock, turnsDuring } from "./testing/slow-clock.ts";
import { Turns } from "./turns.ts";

async function work(stepMs: number): Promise<void> {
  const turns = new Turns(slowClock(stepMs));
  for (let each = 0; each < 100; each++) await turns.next();
}

it("others have their turn in the middle of long work, and not in the middle of short work", async () => {
  expect(await turnsDuring(() => work(0))).toBe(0);
  expect(await turnsDuring(() => work(25))).toBeGreaterThanOrEqual(50);
});
