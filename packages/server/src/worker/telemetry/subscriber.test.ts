import { it } from "vitest";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { OutwardRequest } from "../../ports/supervisor.ts";
import { Subscriber } from "./subscriber.ts";

interface Setup {
  readonly clock: FakeClock;
  readonly subscriber: Subscriber;
  readonly posts: Array<OutwardRequest & { readonly answer: PromiseWithResolvers<number> }>;
}

function setUp(buffering: Partial<{ maxItems: number; maxBytes: number }> = {}): Setup {
  const clock = new FakeClock();
  const posts: Setup["posts"] = [];
  const subscriber = new Subscriber({
    form: { api: "telemetry", schemaVersion: "2022-12-13", isJson: true },
    types: ["platform", "function"],
    destination: { protocol: "HTTP", port: 4243, path: "/", method: "POST" },
    buffering: { maxItems: 1000, maxBytes: 262_144, timeoutMs: 100, ...buffering },
    clock,
    link: {
      post: (request) => {
        const answer = Promise.withResolvers<number>();
        request.signal.addEventListener("abort", () => answer.reject(new Error("aborted")));
        posts.push({ ...request, answer });
        return answer.promise;
      },
      connect: () => {
        throw new Error("nobody connects");
      },
    },
  });
  return { clock, subscriber, posts };
}

const line = (text: string): Parameters<Subscriber["push"]>[0] => ({ timeMs: 0, type: "function", line: text });
const records = ({ body }: OutwardRequest): unknown[] =>
  (JSON.parse(body.toString()) as ReadonlyArray<{ readonly record: unknown }>).map(({ record }) => record);

it("sends a batch when its time is over, and objects as such", async ({ expect }) => {
  const { clock, subscriber, posts } = setUp();
  subscriber.push(line("one"));
  subscriber.push(line('{"a":1}'));
  subscriber.push({ timeMs: 0, type: "extension", line: "not wanted" });
  await clock.advance(99);
  expect(posts).toEqual([]);
  await clock.advance(1);
  expect(posts.map(records)).toEqual([["one", { a: 1 }]]);
  posts[0]?.answer.resolve(200);
  await clock.advance(0);
  expect(clock.timerCount).toBe(0);
});

it("sends a full buffer at once, one batch at a time", async ({ expect }) => {
  const { clock, subscriber, posts } = setUp({ maxItems: 2 });
  for (const text of ["a", "b", "c", "d"]) subscriber.push(line(text));
  expect(posts.map(records)).toEqual([["a", "b"]]);
  posts[0]?.answer.resolve(204);
  await clock.advance(0);
  expect(posts.map(records)).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  subscriber.stop();
});

it("tries again, then drops the batch and says so", async ({ expect }) => {
  const { clock, subscriber, posts } = setUp();
  subscriber.push(line("a"));
  subscriber.flush();
  posts[0]?.answer.resolve(500);
  await clock.advance(100);
  posts[1]?.answer.reject(new Error("ECONNREFUSED"));
  await clock.advance(200);
  expect(posts.map(records)).toEqual([["a"], ["a"], ["a"]]);
  // The last attempt is not answered at all.
  await clock.advance(2000);
  subscriber.push(line("b"));
  await clock.advance(100);
  expect(records(posts[3] as OutwardRequest)).toEqual([
    "b",
    {
      reason: "Some logs were dropped because the downstream consumer is slower than the logs production rate",
      droppedRecords: 1,
      droppedBytes: expect.any(Number) as number,
    },
  ]);
  subscriber.stop();
});

it("keeps no more than twice its limit while a batch is on its way", async ({ expect }) => {
  const { clock, subscriber, posts } = setUp({ maxItems: 10 });
  for (let n = 0; n < 100; n++) subscriber.push(line(String(n)));
  const counts: number[] = [];
  for (let n = 0; n < posts.length; n++) {
    posts[n]?.answer.resolve(200);
    counts.push(records(posts[n] as OutwardRequest).length);
    await clock.advance(100);
  }
  // The first batch, twice the limit, and the word about what is missing.
  expect(counts).toEqual([10, 10, 10, 1]);
  subscriber.stop();
});

it("stands still while the sandbox is frozen", async ({ expect }) => {
  const { clock, subscriber, posts } = setUp();
  subscriber.push(line("a"));
  await clock.advance(60);
  subscriber.pause();
  await clock.advance(100_000);
  subscriber.push(line("b"));
  expect(posts).toEqual([]);
  subscriber.resume();
  await clock.advance(40);
  expect(posts.map(records)).toEqual([["a", "b"]]);
  // An attempt is not over because its listener was frozen meanwhile.
  subscriber.pause();
  await clock.advance(100_000);
  subscriber.resume();
  posts[0]?.answer.resolve(200);
  await clock.advance(10_000);
  expect(posts).toHaveLength(1);
  expect(clock.timerCount).toBe(0);
});
