/** The queue of a slow reader: order, bounds, and the count of what was left out at its place. */
import { expect, it } from "vitest";
import { SkippingQueue } from "./skipping-queue.ts";

async function take<T>(items: AsyncGenerator<T>, count: number): Promise<readonly unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) taken.push((await items.next()).value);
  return taken;
}

it("gives what was told, and where something was left out how much", async () => {
  const queue = new SkippingQueue<number>(2);
  for (let each = 1; each <= 5; each++) queue.put(each);
  const drained = queue.drain();
  expect(await take(drained, 3)).toEqual([1, 2, { skipped: 3 }]);
  queue.put(6);
  expect(await take(drained, 1)).toEqual([6]);
  const waiting = drained.next();
  queue.put(7);
  expect(await waiting).toEqual({ value: 7, done: false });
  queue.put(8);
  queue.end();
  queue.put(9);
  expect(await take(drained, 1)).toEqual([8]);
  expect(await drained.next()).toEqual({ value: undefined, done: true });
});

it("is bounded by the size of its items, and takes one of any size", async () => {
  const queue = new SkippingQueue<string>(100, 10, ({ length }) => length);
  for (const each of ["x".repeat(50), "y", "z"]) queue.put(each);
  queue.end();
  const all: unknown[] = [];
  for await (const each of queue.drain()) all.push(each);
  expect(all).toEqual(["x".repeat(50), { skipped: 2 }]);
});
