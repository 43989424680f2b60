/** What happens at a worker on another host, as its server hears of it: the log, and reports. */
import { afterEach, describe, expect, test } from "vitest";
import { FakeClock } from "@thaw/server/testing/fakes";
import { NEWS_WAIT_MS, type NewsTaker, RemoteWorker, WorkerNews } from "@thaw/server/testing/remote-worker";
import { Between } from "./between.ts";
import { WorkerHarness } from "./harness.ts";
import { certificates, remote, type RemoteHost } from "./remote.ts";
import { Taker } from "./taker.ts";

const GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/hello";
const NEVER = new AbortController().signal;

/** News that tell when they are asked for. */
class AskedNews extends WorkerNews {
  #askedAfter = -1;
  #wake: () => void = () => undefined;

  override take(after: number, isOver: AbortSignal): ReturnType<WorkerNews["take"]> {
    this.#askedAfter = after;
    this.#wake();
    return super.take(after, isOver);
  }

  /** Waits until somebody has taken `count` entries and asks for more. */
  async untilTaken(count: number): Promise<void> {
    while (this.#askedAfter < count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

function write(news: WorkerNews, ...lines: readonly string[]): void {
  for (const line of lines) news.append(GROUP, "stream", 1, line, "function");
}

const ends: Array<() => Promise<void> | void> = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function hostWith(news: WorkerNews, taker: NewsTaker | null = null): Promise<RemoteHost> {
  const harness = new WorkerHarness({});
  const host = await remote(harness.worker, { news, taker });
  ends.push(() => harness.end());
  ends.push(() => host.end());
  return host;
}

async function reader(port: number, taker: NewsTaker, clock: FakeClock): Promise<RemoteWorker> {
  const { authority, control } = await certificates();
  const address = { workerId: "w1", host: "127.0.0.1", port, identity: control, authority: authority.certificate };
  const worker = new RemoteWorker(address, { clock, taker, packages: null });
  ends.push(() => worker.hangUp());
  return worker;
}

test("the log of a function and its reports reach the server, with times on the server's clock", async () => {
  const news = new WorkerNews(new FakeClock());
  const taker = new Taker();
  const harness = new WorkerHarness({ handle: (process) => `${process.print("a line\n") ?? ""}null` }, { news });
  const host = await remote(harness.worker, { news, taker });
  const { restorable } = await harness.publish();
  const earlier = performance.now();
  await harness.invokeOk(restorable, { requestId: "r1" });
  await taker.untilLine("REPORT RequestId: r1");
  await taker.until(() => taker.restores.length > 0 && taker.invocations.length > 0);
  expect(taker.logs.lines).toContain("a line");
  expect(new Set(taker.logs.events.map(({ origin }) => origin))).toEqual(new Set(["platform", "function"]));
  expect(taker.invocations).toMatchObject([{ requestId: "r1", start: "restored", outcome: "success" }]);
  const [invocation] = harness.invocations;
  expect(taker.invocations[0]?.started?.phases).toEqual(invocation?.started?.phases);
  // The worker's clock stands at 0: every time on it is now.
  for (const startMs of [taker.restores[0]?.startedMonotonicMs, taker.invocations[0]?.started?.phaseStarts.restore])
    expect(startMs).toBeGreaterThanOrEqual(earlier);
  expect(taker.missedCount).toBe(0);
  await host.end();
  await harness.end();
});

test("each entry is handed on once and in order, though connections are lost on the way", async () => {
  const news = new AskedNews(new FakeClock());
  const taker = new Taker();
  const host = await hostWith(news);
  const between = await Between.to(host.listener.port);
  ends.push(() => between.close());
  const clock = new FakeClock();
  write(news, "line 0");
  await reader(between.port, taker, clock);
  await taker.untilLine("line 0");
  for (let at = 1; at <= 5; at++) {
    // The answer with this line is on its way, and is lost.
    await news.untilTaken(at);
    between.hold();
    write(news, `line ${at}`);
    between.cut();
    await taker.until(() => taker.failures.length === at);
    between.release();
    await clock.advance(1000);
    await taker.untilLine(`line ${at}`);
  }
  expect(taker.logs.lines).toEqual(Array.from({ length: 6 }, (_, at) => `line ${at}`));
  expect(taker.failures).toMatchObject(Array.from({ length: 5 }, () => ({ code: "WORKER_LOST" })));
});

test("a server that starts anew hears of what nobody has taken, and one of a worker that started anew, too", async () => {
  const news = new AskedNews(new FakeClock());
  const first = new Taker();
  const host = await hostWith(news, first);
  write(news, "one", "two");
  await first.untilLine("two");
  host.worker.hangUp();
  write(news, "three", "four");
  const between = await Between.to(host.listener.port);
  ends.push(() => between.close());
  const second = new Taker();
  const clock = new FakeClock();
  await reader(between.port, second, clock);
  await second.untilLine("four");
  expect(second.logs.lines.slice(-2)).toEqual(["three", "four"]);
  await news.untilTaken(4);
  // Another worker at its address, which counts from 1 again.
  const anew = new WorkerNews(new FakeClock());
  between.target = (await hostWith(anew)).listener.port;
  write(anew, "five");
  between.cut();
  await second.until(() => second.failures.length === 1);
  await clock.advance(1000);
  await second.untilLine("five");
  write(anew, "six");
  await second.untilLine("six");
  expect(second.logs.lines.slice(-4)).toEqual(["three", "four", "five", "six"]);
});

describe("news that wait", () => {
  test("are forgotten when they were taken, and given again when they were not", async () => {
    const news = new WorkerNews(new FakeClock());
    write(news, "one", "two");
    expect(await news.take(0, NEVER)).toMatchObject({ lastAt: 2, missed: 0, news: [{ kind: "log" }, { kind: "log" }] });
    write(news, "three");
    expect((await news.take(0, NEVER)).news).toHaveLength(3);
    expect(await news.take(2, NEVER)).toMatchObject({ lastAt: 3, news: [{ event: { message: "three" } }] });
    expect((await news.take(2, NEVER)).news).toHaveLength(1);
  });

  test("are waited for, but not for ever, nor for somebody who is gone", async () => {
    const clock = new FakeClock();
    const news = new WorkerNews(clock);
    const taken = news.take(0, NEVER);
    write(news, "one");
    expect((await taken).news).toHaveLength(1);
    const late = news.take(1, NEVER);
    await clock.advance(NEWS_WAIT_MS);
    expect(await late).toMatchObject({ lastAt: 1, news: [] });
    const gone = new AbortController();
    const abandoned = news.take(1, gone.signal);
    gone.abort();
    expect((await abandoned).news).toEqual([]);
    expect((await news.take(1, AbortSignal.abort())).news).toEqual([]);
    expect(clock.timerCount).toBe(0);
  });

  test("come in batches, and drop the oldest beyond their limit, counted", async () => {
    const news = new WorkerNews(new FakeClock(), 2 ** 20);
    const long = "x".repeat(100_000);
    for (let at = 0; at < 30; at++) write(news, `${at} ${long}`);
    const batches: string[] = [];
    let { lastAt, missed, news: taken } = await news.take(0, NEVER);
    expect(taken.length).toBeLessThan(10);
    while (taken.length > 0) {
      for (const each of taken) if (each.kind === "log") batches.push(each.event.message.split(" ")[0] ?? "");
      if (lastAt === 30) break;
      ({ lastAt, news: taken } = await news.take(lastAt, NEVER));
    }
    expect(batches).toEqual(Array.from({ length: 30 - missed }, (_, at) => String(at + missed)));
    expect(missed).toBeGreaterThan(19);
    expect(missed).toBeLessThan(30);
    const taker = new Taker();
    const host = await hostWith(news, taker);
    for (let at = 0; at < 30; at++) write(news, `${at} ${long}`);
    write(news, "last");
    await taker.untilLine("last");
    expect(taker.missedCount).toBeGreaterThan(missed);
    expect(host.problems).toEqual([]);
  });
});
