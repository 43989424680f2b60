/** Logs of several functions: pages without gaps over all groups, the lines of one request, text, and followers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@thaw/server/testing/base";
import { createDiskLogStore } from "@thaw/server/testing/http";
import type { LogPage, PlacedLogEvent, QueryOf } from "@thaw/thaw-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

const GROUPS = "arn:aws:logs:us-east-1:000000000000:log-group:";
const STREAM = "2026/11/29/[$LATEST]0123";

let directory: string;
let logs: ReturnType<typeof createDiskLogStore>;
let harness: HttpHarness;
const problems: unknown[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "thaw-log-search-"));
  const limits = { groupBytesMax: 2 ** 30, totalBytesMax: 2 ** 30 };
  logs = createDiskLogStore({
    path: join(directory, "logs.db"),
    clock: systemClock,
    limits,
    onProblem: (error) => void problems.push(error),
  });
  harness = await HttpHarness.start({ functions: { code: { handle: () => "1" } }, services: { logs } });
  for (const name of ["orders", "prices"]) await harness.control.create(name, "code");
});

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
  await logs.close();
  rmSync(directory, { recursive: true });
  expect(problems).toEqual([]);
});

function write(
  name: string,
  atMs: number,
  message: string,
  origin: "platform" | "function" = "function",
  stream = STREAM,
): void {
  logs.append(`${GROUPS}/aws/lambda/${name}`, stream, atMs, message, origin);
}

function search(query: QueryOf<"searchLogs"> = {}): Promise<LogPage> {
  return harness.client.call("searchLogs", { query });
}

async function messages(query: QueryOf<"searchLogs"> = {}): Promise<readonly string[]> {
  return (await search(query)).events.map(({ message }) => message);
}

describe("a search", () => {
  it("gives the newest events of all functions, and page by page the older ones, each once", async () => {
    for (let count = 0; count < 100; count++)
      write(count % 3 === 0 ? "orders" : "prices", 1_000 + Math.floor(count / 7), `event ${count}`);
    const found: PlacedLogEvent[] = [];
    for (let before: string | undefined; ; ) {
      const page = await search({ limit: 9, ...(before === undefined ? {} : { before }) });
      expect(page.events.length).toBeLessThanOrEqual(9);
      found.unshift(...page.events);
      if (page.before === undefined) break;
      before = page.before;
    }
    expect(found.map(({ message }) => message).toSorted()).toEqual(
      Array.from({ length: 100 }, (_, count) => `event ${count}`).toSorted(),
    );
    const times = found.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(found.map(({ sequence }) => sequence)).size).toBe(100);
    expect(new Set(found.map(({ functionName }) => functionName))).toEqual(new Set(["orders", "prices"]));
  });

  it("bounds a page by its bytes, too", async () => {
    for (let count = 0; count < 30; count++) write("orders", count, "x".repeat(100_000));
    const { events, before } = await search({ limit: 1000 });
    expect(events.length).toBeGreaterThan(5);
    expect(events.length).toBeLessThan(15);
    expect(before).toBeDefined();
  });

  it("filters by function, text and time", async () => {
    write("orders", 1_000, 'a "quoted\\" text');
    write("orders", 2_000, "A quoted text");
    write("prices", 3_000, "other");
    expect(await messages({ function: "orders" })).toHaveLength(2);
    expect(await messages({ function: "orders, prices" })).toHaveLength(3);
    expect(await messages({ q: '"quoted\\"' })).toEqual(['a "quoted\\" text']);
    expect(await messages({ q: "A quoted" })).toEqual(["A quoted text"]);
    expect(await messages({ q: "a{1000}" })).toEqual([]);
    expect(await messages({ since: 2_000 })).toEqual(["A quoted text", "other"]);
    expect(await messages({ function: "orders:1" })).toEqual([]);
    for (const [query, reason] of [
      ["function=none", "Function not found"],
      ["before=x", "The parameter before is wrong"],
      [`q=${"x".repeat(257)}`, "at most 256 characters"],
      [`function=${"f,".repeat(60)}`, "at most 50 functions"],
    ] as const)
      expect((await harness.thaw("GET", `log-events?${query}`)).text).toContain(reason);
  });

  it("finds the lines of a request between the platform's, also those that do not name it", async () => {
    await harness.control.invoke("orders");
    await harness.control.advance(1);
    await harness.control.invoke("orders");
    await harness.control.advance(1);
    const { invocations } = await harness.client.call("listInvocations", { query: {} });
    const [warm, cold] = invocations;
    expect([cold?.start, warm?.start]).toEqual(["initialised", "warm"]);
    // Both begin before the first one's last line: the second may have waited for the environment.
    let atMs = cold?.startedAtMs ?? 0;
    const line = (message: string, origin: "platform" | "function"): void =>
      write("orders", atMs++, message, origin, cold?.logStream ?? "");
    line("INIT_START", "platform");
    for (const requestId of [cold?.requestId, warm?.requestId]) {
      line(`START RequestId: ${requestId}`, "platform");
      line("print", "function");
      line(`REPORT RequestId: ${requestId}`, "platform");
    }
    const of = (id = ""): readonly string[] => [`START RequestId: ${id}`, "print", `REPORT RequestId: ${id}`];
    const [first = "", second = ""] = [cold?.requestId, warm?.requestId];
    expect(await messages({ requestId: first })).toEqual(["INIT_START", ...of(first)]);
    expect(await messages({ requestId: second })).toEqual(of(second));
    const page = await search({ requestId: second, limit: 2 });
    expect(page.events.map(({ message }) => message)).toEqual(of(second).slice(1));
    expect(await messages({ requestId: second, limit: 2, before: page.before ?? "" })).toEqual(of(second).slice(0, 1));
    write("prices", 5_000, "a request of long ago: 0123-4567");
    expect(await messages({ requestId: "0123-4567" })).toEqual(["a request of long ago: 0123-4567"]);
  });
});

describe("a follower", () => {
  async function follow(
    query: QueryOf<"followLogs">,
  ): Promise<{ readonly take: (count: number) => Promise<readonly string[]>; readonly stop: () => void }> {
    const stop = new AbortController();
    const { body } = await harness.client.raw("followLogs", { query, signal: stop.signal });
    const chunks = body?.pipeThrough(new TextDecoderStream() as never).getReader() as
      | ReadableStreamDefaultReader<string>
      | undefined;
    let text = "";
    return {
      async take(count) {
        while (text.split("\n").length <= count) text += (await chunks?.read())?.value ?? "";
        const lines = text.split("\n").slice(0, count);
        return lines.map((line) => {
          const event = JSON.parse(line) as PlacedLogEvent;
          return `${event.functionName} ${event.message}`;
        });
      },
      stop: () => stop.abort(),
    };
  }

  it("is told of what is written from its beginning on, in its order", async () => {
    write("orders", 1, "before");
    expect(await messages()).toEqual(["before"]);
    const all = await follow({});
    const some = await follow({ function: "prices", q: "yes" });
    write("orders", 2, "one");
    write("prices", 3, "two yes");
    write("new", 4, "three");
    expect(await all.take(3)).toEqual(["orders one", "prices two yes", "new three"]);
    expect(await some.take(1)).toEqual(["prices two yes"]);
    const sequences = (await search({})).events.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    all.stop();
    some.stop();
    expect((await harness.thaw("GET", "log-events/follow?function=none")).text).toContain("Function not found");
  });

  it("of a request is told all lines between the platform's", async () => {
    const one = await follow({ requestId: "id-1" });
    write("orders", 1, "START RequestId: id-0", "platform");
    write("orders", 2, "not this");
    write("orders", 3, "REPORT RequestId: id-0", "platform");
    write("orders", 4, "START RequestId: id-1", "platform");
    write("orders", 5, "print");
    write("prices", 6, "elsewhere");
    write("orders", 7, "REPORT RequestId: id-1", "platform");
    write("orders", 8, "after");
    write("orders", 9, "a late line of id-1");
    expect(await one.take(4)).toEqual([
      "orders START RequestId: id-1",
      "orders print",
      "orders REPORT RequestId: id-1",
      "orders a late line of id-1",
    ]);
    one.stop();
  });
});
