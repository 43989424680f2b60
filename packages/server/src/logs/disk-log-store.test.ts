import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../base/clock.ts";
import type { LogEventQuery, LogGroups, LogPosition } from "../ports/log-groups.ts";
import type { LogEvent, LogStore } from "../ports/log-store.ts";
import { type DiskLogStoreOptions, openDiskLogStore } from "./disk-log-store.ts";

const GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f";
const OTHER = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/g";
const STREAM = "2026/11/29/[1]0123";
const DAY_MS = 86_400_000;

let directory: string;
let problems: unknown[];
const open: Array<LogStore & LogGroups> = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "thaw-logs-"));
  problems = [];
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
  rmSync(directory, { recursive: true });
});

async function openStore(options: Partial<DiskLogStoreOptions> = {}): Promise<LogStore & LogGroups> {
  const store = await openDiskLogStore({
    path: join(directory, "logs.db"),
    clock: systemClock,
    limits: { groupBytesMax: 2 ** 30, totalBytesMax: 2 ** 30 },
    onProblem: (error) => void problems.push(error),
    ...options,
  });
  open.push(store);
  return store;
}

const query = (wish: Partial<LogEventQuery> = {}): LogEventQuery => ({
  groupArn: GROUP,
  streams: null,
  fromMs: 0,
  untilMs: null,
  from: null,
  direction: "forward",
  countMax: 10_000,
  filterPattern: null,
  ...wish,
});

async function messagesOf(store: LogGroups, wish: Partial<LogEventQuery> = {}): Promise<readonly string[]> {
  const page = await store.readEvents(query(wish));
  return typeof page === "string" ? [page] : page.events.map(({ message }) => message);
}

async function collect(pages: AsyncIterable<readonly LogEvent[]>): Promise<readonly string[]> {
  const messages: string[] = [];
  for await (const events of pages) messages.push(...events.map(({ message }) => message));
  return messages;
}

it("keeps events over a restart, in the order of time and then of arrival", async () => {
  const nul = "nul \u0000 \u{1f600} end";
  const first = await openStore();
  first.append(GROUP, STREAM, 2_000, "b", "function");
  first.append(GROUP, STREAM, 1_000, "a\n", "platform");
  first.append(GROUP, "other", 2_000, "c", "function");
  first.append(GROUP, STREAM, 3_000, nul, "function");
  first.append(OTHER, STREAM, 1_500, "elsewhere", "function");
  await first.close();
  const second = await openStore();
  second.append(GROUP, STREAM, 2_000, "d", "function");
  const page = await second.readEvents(query());
  expect(page).toMatchObject({
    events: [
      { message: "a", origin: "platform", logStream: STREAM },
      { message: "b" },
      { message: "c", logStream: "other" },
      { message: "d", origin: "function" },
      { message: nul },
    ],
    next: null,
  });
  expect(await messagesOf(second, { streams: { names: [STREAM] } })).toEqual(["a", "b", "d", nul]);
  expect(await messagesOf(second, { streams: { prefix: "oth" } })).toEqual(["c"]);
  expect(await messagesOf(second, { streams: { names: ["none"] } })).toEqual(["no stream"]);
  expect(await messagesOf(second, { groupArn: `${GROUP}2` })).toEqual(["no group"]);
  expect(await messagesOf(second, { fromMs: 2_000, untilMs: 3_000 })).toEqual(["b", "c", "d"]);
});

it("reads pages in both directions, and each event once", async () => {
  const store = await openStore();
  const expected = Array.from({ length: 25 }, (_, index) => `event ${index}`);
  for (const [index, message] of expected.entries())
    store.append(GROUP, STREAM, 1_000 + Math.floor(index / 7), message, "function");
  for (const streams of [null, { names: [STREAM] }]) {
    const forward: string[] = [];
    const backward: string[] = [];
    for (const [direction, pages] of [["forward", forward] as const, ["backward", backward] as const]) {
      for (let from: LogPosition | null = null; ; ) {
        const page = await store.readEvents(query({ streams, direction, from, countMax: 4 }));
        if (typeof page === "string") throw new Error(page);
        const messages = page.events.map(({ message }) => message);
        if (direction === "forward") pages.push(...messages);
        else pages.unshift(...messages);
        if (page.next === null) break;
        from = page.next;
      }
    }
    expect([forward, backward]).toEqual([expected, expected]);
  }
});

it("ends a page at 1 MB, and where enough was looked at", async () => {
  const store = await openStore();
  for (let count = 0; count < 12; count++) store.append(GROUP, STREAM, count, "x".repeat(100_000), "function");
  expect(await messagesOf(store)).toHaveLength(10);
  // Looking costs 400 steps a character here: more than one page has.
  const page = await store.readEvents(query({ filterPattern: "%a{400}%" }));
  expect(page).toMatchObject({ events: [], next: { timestampMs: expect.any(Number) } });
});

it("tells a follower each event once, whether it was written before or is to come", async () => {
  const store = await openStore();
  const stop = new AbortController();
  const said: string[] = [];
  for (let count = 0; count < 2_500; count++) store.append(GROUP, STREAM, 1_000, `old ${count}`, "function");
  await store.createStream(GROUP, "put");
  let pages = 0;
  for await (const events of store.read(GROUP, { follow: true, signal: stop.signal })) {
    said.push(...events.map(({ message }) => message));
    if (++pages === 1) {
      store.append(GROUP, STREAM, 1_000, "new", "function");
      await store.putEvents(GROUP, "put", [{ timestampMs: 1_000, message: "put" }]);
    }
    if (said.length === 2_502) stop.abort();
  }
  expect([new Set(said).size, said.length, said.slice(2_500)]).toEqual([2_502, 2_502, ["new", "put"]]);
  expect(await collect(store.read(GROUP, { versions: ["2"] }))).toEqual([]);
  // No more than what was given: these events are shown as they are.
  for await (const [event] of store.read(GROUP, {})) {
    expect(Object.keys(event ?? {}).toSorted()).toEqual(["logStream", "message", "origin", "timestampMs"]);
    break;
  }
  expect(await collect(store.read(GROUP, { versions: ["1"], logStream: STREAM }))).toHaveLength(2_501);
});

it("removes a group at once, and loses nothing that is written into its successor", async () => {
  const store = await openStore();
  for (let count = 0; count < 5_000; count++) store.append(GROUP, STREAM, 1_000, `old ${count}`, "function");
  const removed = store.removeGroup(GROUP);
  store.append(GROUP, STREAM, 1_000, "new", "function");
  expect(await removed).toBe("removed");
  expect(await messagesOf(store)).toEqual(["new"]);
  await store.close();
  // What was not taken from the disk before the end is taken at the next start.
  const again = await openStore();
  await vanish(1);
  expect(await messagesOf(again)).toEqual(["new"]);
  expect(await again.findGroup(GROUP)).toMatchObject({ storedBytes: "new".length + 26 });
});

/** Waits until the file has no more than a number of events. Another connection sees what has been committed. */
async function vanish(countMax: number): Promise<void> {
  const db = new DatabaseSync(join(directory, "logs.db"), { readOnly: true });
  try {
    const count = db.prepare(
      "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM groups WHERE is_removed) AS n",
    );
    while ((count.get() as { n: number }).n > countMax) await new Promise(setImmediate);
  } finally {
    db.close();
  }
}

it("removes what a retention no longer keeps, from pages at once and then from the disk", async () => {
  const store = await openStore();
  const nowMs = systemClock.nowMs();
  store.append(GROUP, "old", nowMs - 3 * DAY_MS, "expired", "function");
  store.append(GROUP, STREAM, nowMs, "kept", "function");
  expect(await messagesOf(store)).toEqual(["expired", "kept"]);
  expect(await store.setRetention(GROUP, 1)).toBe("set");
  expect(await messagesOf(store)).toEqual(["kept"]);
  await vanish(1);
  // A stream without events goes with the last one, unless a client has made it.
  expect(
    await store.listStreams({
      groupArn: GROUP,
      prefix: "",
      orderBy: "name",
      isDescending: false,
      after: null,
      countMax: 9,
    }),
  ).toEqual([
    {
      name: STREAM,
      createdMs: expect.any(Number),
      firstEventMs: nowMs,
      lastEventMs: nowMs,
      lastIngestionMs: expect.any(Number),
    },
  ]);
  expect(await store.setRetention(OTHER, 1)).toBe("no group");
});

it("keeps the newest events of a group, and leaves those of smaller groups alone", async () => {
  const store = await openStore({ limits: { groupBytesMax: 200_000, totalBytesMax: 250_000 } });
  const message = "x".repeat(974);
  for (let count = 0; count < 100; count++) store.append(OTHER, STREAM, count, message, "function");
  for (let count = 0; count < 1_000; count++) store.append(GROUP, STREAM, count, `${message}${count}`, "function");
  const sizes = async (): Promise<readonly number[]> =>
    Promise.all([GROUP, OTHER].map(async (arn) => (await store.findGroup(arn))?.storedBytes ?? 0));
  while (((await sizes())[0] ?? 0) > 200_000) await new Promise(setImmediate);
  const [size = 0, other] = await sizes();
  expect(other).toBe(100_000);
  expect(size).toBeLessThanOrEqual(200_000);
  const kept = await messagesOf(store, { direction: "backward", countMax: 1 });
  expect(kept).toEqual([`${message}999`]);
});

it("says how many events were lost where the buffer was full", async () => {
  const store = await openStore({ bufferBytesMax: 1_000 });
  for (let count = 0; count < 100; count++) store.append(GROUP, STREAM, count, "x".repeat(10), "function");
  const messages = await messagesOf(store);
  const kept = messages.filter((message) => message.startsWith("x")).length;
  expect(kept).toBeGreaterThan(0);
  expect(messages.at(-1)).toMatch(new RegExp(`^\\[thaw\\] ${100 - kept} log events were lost`));
});

it("says how many events were lost where the disk was full, and goes on when it is not", async () => {
  const store = await openStore();
  store.append(GROUP, STREAM, 1, "before", "function");
  await store.findGroup(GROUP);
  // Another program that holds the database longer than the thread waits stands for a disk that takes nothing.
  const db = new DatabaseSync(join(directory, "logs.db"));
  db.exec("BEGIN IMMEDIATE");
  try {
    for (let count = 0; count < 3; count++) store.append(GROUP, STREAM, 2, "lost", "function");
    await store.findGroup(GROUP);
  } finally {
    db.exec("ROLLBACK");
    db.close();
  }
  expect(problems.map(String)).toEqual(["Error: database is locked"]);
  store.append(GROUP, STREAM, 3, "after", "function");
  expect(await messagesOf(store)).toEqual([
    "before",
    expect.stringMatching(/^\[thaw\] 3 log events were lost/),
    "after",
  ]);
});

it("puts a damaged database aside and begins a new one", async () => {
  const path = join(directory, "logs.db");
  writeFileSync(path, randomBytes(8192));
  const store = await openStore();
  store.append(GROUP, STREAM, 1, "new", "function");
  expect(await messagesOf(store)).toEqual(["new"]);
  expect(problems.map(String)).toEqual([expect.stringContaining(`the old one is ${path}.damaged`)]);
  expect(existsSync(`${path}.damaged`)).toBe(true);
});

it("refuses to open what a newer version has written", async () => {
  const db = new DatabaseSync(join(directory, "logs.db"));
  db.exec("PRAGMA user_version = 99");
  db.close();
  await expect(openStore()).rejects.toThrow("has format 99");
  expect(problems.map(String)).toEqual([expect.stringContaining("has format 99")]);
});

it("finds streams by name and by their last event, page by page", async () => {
  const store = await openStore();
  const times = { a: 3_000, b: 1_000, bc: 2_000 };
  for (const [stream, timestampMs] of Object.entries(times)) store.append(GROUP, stream, timestampMs, "x", "function");
  expect(await store.createStream(GROUP, "d")).toBe("created");
  expect(await store.createStream(GROUP, "d")).toBe("exists");
  const list = async (
    orderBy: "name" | "lastEvent",
    isDescending: boolean,
    prefix = "",
  ): Promise<readonly string[]> => {
    const names: string[] = [];
    for (let after: { name: string; lastEventMs: number } | null = null; ; ) {
      const page = await store.listStreams({ groupArn: GROUP, prefix, orderBy, isDescending, after, countMax: 1 });
      const [stream] = typeof page === "string" ? [] : page;
      if (stream === undefined) return names;
      names.push(stream.name);
      after = { name: stream.name, lastEventMs: stream.lastEventMs ?? 0 };
    }
  };
  expect(await list("name", false)).toEqual(["a", "b", "bc", "d"]);
  expect(await list("name", true, "b")).toEqual(["bc", "b"]);
  expect(await list("lastEvent", true)).toEqual(["a", "bc", "b", "d"]);
  expect(await list("lastEvent", false)).toEqual(["d", "b", "bc", "a"]);
  expect(await store.removeStream(GROUP, "b")).toBe("removed");
  expect(await messagesOf(store)).toEqual(["x", "x"]);
  expect(await list("name", false)).toEqual(["a", "bc", "d"]);
});

it("lists the groups of one account in one Region", async () => {
  const store = await openStore();
  const arnOf = (scope: string, name: string): string => `arn:aws:logs:${scope}:log-group:${name}`;
  const own = "us-east-1:000000000000";
  for (const scope of [own, "us-east-1:000000000001", "eu-west-1:000000000000"])
    for (const name of ["a", "b"]) expect(await store.createGroup(arnOf(scope, name), {})).toBe("created");
  const groups = await store.listGroups({ arnPrefix: arnOf(own, ""), part: "", after: "", countMax: 9 });
  expect(groups.map(({ arn }) => arn)).toEqual([arnOf(own, "a"), arnOf(own, "b")]);
});
