/** Saved test events over HTTP: kept over a restart, bounded, and refused in words. */
import { expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

async function start(): Promise<HttpHarness> {
  const harness = await HttpHarness.start({ functions: { code: { handle: () => "1" } } });
  await harness.control.create("orders", "code");
  return harness;
}

const of = (name: string) => ({ parameters: { function: "orders", name } });

it("are saved, replaced, read and deleted, also when the function is gone", async () => {
  await using harness = await start();
  const { client } = harness;
  const parameters = { function: "orders" };
  expect(await client.call("listTestEvents", { parameters })).toEqual({ events: [], updatedAtMs: null });
  await client.call("putTestEvent", { ...of("two"), body: { event: "{}" } });
  await client.call("putTestEvent", { ...of("one"), body: { event: '{"a": "ü"}' } });
  const saved = await client.call("putTestEvent", { ...of("two"), body: { event: "[1]" } });
  expect(saved).toEqual({
    events: [
      { name: "one", sizeBytes: 11 },
      { name: "two", sizeBytes: 3 },
    ],
    updatedAtMs: expect.any(Number),
  });
  expect(await client.call("listTestEvents", { parameters })).toEqual(saved);
  expect(await client.call("getTestEvent", of("one"))).toEqual({ name: "one", event: '{"a": "ü"}' });
  await harness.control.call("DeleteFunction", { FunctionName: "orders" });
  await harness.control.advance(0);
  expect((await client.call("deleteTestEvent", of("one"))).events).toEqual([{ name: "two", sizeBytes: 3 }]);
  expect((await harness.thaw("GET", "test-events/orders/one")).text).toContain("has no test event one");
});

it("that come at the same time are all kept", async () => {
  await using harness = await start();
  const names = Array.from({ length: 10 }, (_, index) => `event-${index}`);
  await Promise.all(names.map((name) => harness.client.call("putTestEvent", { ...of(name), body: { event: "1" } })));
  const { events } = await harness.client.call("listTestEvents", { parameters: { function: "orders" } });
  expect(events.map(({ name }) => name)).toEqual(names);
});

it.for([
  ["orders", "a b", "{}", "letters, digits, dots, hyphens"],
  ["orders", "x", "{", "The test event is not JSON"],
  ["orders", "x", JSON.stringify("x".repeat(256 * 1024)), "at most 262144 bytes"],
  ["none", "x", "{}", "Function not found"],
] as const)("are refused: %s %s", async ([name, event, body, reason]) => {
  await using harness = await start();
  const path = `test-events/${name}/${encodeURIComponent(event)}`;
  const { text } = await harness.thaw("PUT", path, Buffer.from(JSON.stringify({ event: body })));
  expect(text).toContain(reason);
});

it("are at most a hundred of a function", async () => {
  await using harness = await start();
  for (let count = 0; count < 100; count++)
    await harness.client.call("putTestEvent", { ...of(`event-${count}`), body: { event: "1" } });
  const { text } = await harness.thaw("PUT", "test-events/orders/more", Buffer.from(JSON.stringify({ event: "1" })));
  expect(text).toContain("at most 100 test events");
  await harness.client.call("putTestEvent", { ...of("event-7"), body: { event: "2" } });
});
