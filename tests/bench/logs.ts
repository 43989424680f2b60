/**
 * The CloudWatch Logs API over much: pages of a stream of 100,000 events, searches of a group of 1,000,000, what the
 * server's memory is then, and what a warm invoke costs while a search runs.
 */
import { readFileSync } from "node:fs";
import { pidOf, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { askLogs } from "../support/logs.ts";
import type { Series } from "./series.ts";

const BATCH = 10_000;
const STREAM_BATCHES = 10;
const GROUP_BATCHES = 100;
const INVOKES = 200;
const GROUP = { logGroupName: "bench" };
/** In one event of the group's million. */
const NEEDLE = "needle";
const PATTERNS: Readonly<Record<string, string>> = {
  "a term": NEEDLE,
  "a JSON pattern": `{ $.found = ${NEEDLE} }`,
  "an expression": `%need[kl]+e\\W%`,
};

export async function* measureLogs(): AsyncGenerator<Series> {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const name = await functions.create({ "index.js": "exports.handler = async () => 'ok';" });
    await askLogs(server, "CreateLogGroup", GROUP);
    const before = residentMib(server);
    const writes = await fill(server);
    yield { name: "PutLogEvents, 10,000 events of 75 bytes", unit: "ms", values: writes };
    yield { name: "GetLogEvents, a full page of a stream of 100,000 events", unit: "ms", values: await pages(server) };
    const idle = await invokes(functions, name, () => false);
    yield { name: "Warm Invoke, no search runs", unit: "ms", values: idle };
    const peaks = [residentMib(server)];
    for (const [what, filterPattern] of Object.entries(PATTERNS)) {
      let isSearching = true;
      const searching = search(server, filterPattern).finally(() => {
        isSearching = false;
      });
      const during = await invokes(functions, name, () => !isSearching);
      yield { name: `FilterLogEvents, all pages of 1,000,000 events, ${what}`, unit: "ms", values: [await searching] };
      yield { name: `Warm Invoke meanwhile, ${what}`, unit: "ms", values: during };
      peaks.push(residentMib(server));
    }
    yield { name: "Server's memory before, and after each search", unit: "MiB", values: [before, ...peaks] };
  } finally {
    await server.remove();
  }
}

/** Fills ten streams; returns the time of each request. */
async function fill(server: ThawServer): Promise<number[]> {
  const times: number[] = [];
  for (let batch = 0; batch < GROUP_BATCHES; batch++) {
    const logStreamName = `stream-${Math.floor(batch / STREAM_BATCHES)}`;
    if (batch % STREAM_BATCHES === 0) await askLogs(server, "CreateLogStream", { ...GROUP, logStreamName });
    const timestamp = Date.now();
    const logEvents = Array.from({ length: BATCH }, (_, index) => {
      const found = batch === GROUP_BATCHES / 2 && index === 0 ? NEEDLE : "hay";
      const message = JSON.stringify({ level: "INFO", found, number: batch * BATCH + index, text: "x".repeat(20) });
      return { timestamp, message };
    });
    times.push(await timed(() => askLogs(server, "PutLogEvents", { ...GROUP, logStreamName, logEvents })));
  }
  return times;
}

async function pages(server: ThawServer): Promise<number[]> {
  const times: number[] = [];
  for (let nextToken: unknown; ; ) {
    const input = { ...GROUP, logStreamName: "stream-5", startFromHead: true };
    const startMs = performance.now();
    const page = await askLogs(server, "GetLogEvents", nextToken === undefined ? input : { ...input, nextToken });
    if (page["nextForwardToken"] === nextToken) return times;
    times.push(performance.now() - startMs);
    nextToken = page["nextForwardToken"];
  }
}

async function search(server: ThawServer, filterPattern: string): Promise<number> {
  let found = 0;
  const time = await timed(async () => {
    for (let nextToken: unknown; ; ) {
      const input = { ...GROUP, filterPattern };
      const page = await askLogs(server, "FilterLogEvents", nextToken === undefined ? input : { ...input, nextToken });
      found += (page["events"] as readonly unknown[]).length;
      nextToken = page["nextToken"];
      if (nextToken === undefined) return;
    }
  });
  if (found !== 1) throw new Error(`${filterPattern} found ${found} events, not one`);
  return time;
}

async function invokes(functions: TestFunctions, name: string, isEnough: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (times.length < INVOKES && !isEnough()) times.push(await timed(() => functions.invoke(name)));
  return times;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function residentMib({ pid }: ThawServer): number {
  const status = readFileSync(`/proc/${pidOf(pid, "server")}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
