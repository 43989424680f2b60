/** The queue of a slow reader: order, bounds, the count of what was left out at its place, and what comes together. */
import { expect, it } from "vitest";
import { GATHER_MS, SkippingQueue } from "./skipping-queue.ts";
import { FakeClock } from "./testing/fake-clock.ts";

it("gives what was told, and where something was left out how much", async () => {
  const queue = new SkippingQueue<number>({ lengthMax: 2 });
  for (let each = 1; each <= 5; each++) queue.put(each);
  const drained = queue.drain();
  expect((await drained.next()).value).toEqual([1, 2, { skipped: 3 }]);
  queue.put(6);
  expect((await drained.next()).value).toEqual([6]);
  const waiting = drained.next();
  queue.put(7);
  expect(await waiting).toEqual({ value: [7], done: false });
  queue.put(8);
  queue.end();
  queue.put(9);
  expect((await drained.next()).value).toEqual([8]);
  expect(await drained.next()).toEqual({ value: undefined, done: true });
});

it("is bounded by the size of its items, and takes one of any size", async () => {
  const queue = new SkippingQueue<string>({ lengthMax: 100, sizeMax: 10, sizeOf: ({ length }) => length });
  for (const each of ["x".repeat(50), "y", "z"]) queue.put(each);
  queue.end();
  const all: unknown[] = [];
  for await (const each of queue.drain()) all.push(...each);
  expect(all).toEqual(["x".repeat(50), { skipped: 2 }]);
});

it("gathers for a moment, and no longer than until there is much, one is left out, or the end", async () => {
  const clock = new FakeClock();
  const queue = new SkippingQueue<number>({ lengthMax: 1_500, gather: clock });
  const drained = queue.drain();
  let taken = 0;
  const take = async (): Promise<unknown> => {
    const { value } = await drained.next();
    taken++;
    return value;
  };
  const first = take();
  queue.put(1);
  await clock.advance(GATHER_MS - 1);
  queue.put(2);
  expect(taken).toBe(0);
  await clock.advance(1);
  expect(await first).toEqual([1, 2]);
  const much = take();
  for (let each = 0; each < 1_000; each++) queue.put(each);
  expect(await much).toHaveLength(1_000);
  for (let each = 0; each < 1_501; each++) queue.put(each);
  expect(((await take()) as readonly unknown[]).at(-1)).toEqual({ skipped: 1 });
  const last = take();
  queue.put(3);
  queue.end();
  expect(await last).toEqual([3]);
});
