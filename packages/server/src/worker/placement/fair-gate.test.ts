import { it } from "vitest";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { FairGate } from "./fair-gate.ts";

const WAIT_MS = 1000;

function enter(gate: FairGate, name: string, order: string[]): Promise<boolean> {
  return gate.enter(name, WAIT_MS).then((isIn) => {
    order.push(isIn ? name : `${name} not`);
    return isIn;
  });
}

it("lets the function in that holds the fewest places, and among equals the one whose turn is the longest ago", async ({
  expect,
}) => {
  const clock = new FakeClock();
  const gate = new FairGate(2, clock);
  const order: string[] = [];
  await enter(gate, "noisy", order);
  await enter(gate, "noisy", order);
  const waiting = ["noisy", "noisy", "quiet", "other"].map((name) => enter(gate, name, order));
  gate.leave("noisy");
  await clock.advance(0);
  expect(order.slice(2)).toEqual(["quiet"]);
  gate.leave("quiet");
  await clock.advance(0);
  expect(order.slice(3)).toEqual(["other"]);
  gate.leave("other");
  await clock.advance(0);
  expect(order.slice(4)).toEqual(["noisy"]);
  gate.leave("noisy");
  gate.leave("noisy");
  expect(await Promise.all(waiting)).toEqual([true, true, true, true]);
  expect(clock.timerCount).toBe(0);
});

it("tells those no whose time is over, and all when it closes", async ({ expect }) => {
  const clock = new FakeClock();
  const gate = new FairGate(1, clock);
  await gate.enter("a", WAIT_MS);
  const late = gate.enter("b", WAIT_MS);
  await clock.advance(WAIT_MS);
  expect(await late).toBe(false);
  const waiting = gate.enter("b", WAIT_MS);
  gate.close();
  expect(await waiting).toBe(false);
  expect(await gate.enter("c", WAIT_MS)).toBe(false);
  expect(clock.timerCount).toBe(0);
});

it("gives a place that was given up in vain to nobody else's account", async ({ expect }) => {
  const clock = new FakeClock();
  const gate = new FairGate(1, clock);
  await gate.enter("a", WAIT_MS);
  const late = gate.enter("b", WAIT_MS);
  await clock.advance(WAIT_MS);
  await late;
  gate.leave("a");
  expect(await gate.enter("b", WAIT_MS)).toBe(true);
});
