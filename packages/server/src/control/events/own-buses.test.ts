import { slowClock, turnsDuring } from "../../base/testing/slow-clock.ts";
import { expect, it } from "vitest";
import { OwnBuses } from "./own-buses.ts";

it("others have their turn between the events that are put at once", async () => {
  const services = {
    scope: { accountId: "000000000000", region: "us-east-1" },
    store: { listAccountEntries: async () => [] },
    clock: { ...slowClock(15), nowMs: () => 0, after: () => () => undefined },
    onProblem: () => undefined,
  } as unknown as ConstructorParameters<typeof OwnBuses>[0];
  const buses = new OwnBuses(
    services,
    { accept: async () => undefined } as unknown as ConstructorParameters<typeof OwnBuses>[1],
    () => undefined,
  );
  const event = { source: "s", detailType: "t", timeMs: 0, resources: [], detail: "{}", traceId: null };
  const events = Array.from({ length: 50 }, (_, index) => ({ ...event, id: `e${index}` }));
  expect(await turnsDuring(() => buses.put("default", events))).toBeGreaterThan(10);
});
