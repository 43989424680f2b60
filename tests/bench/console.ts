/**
 * What an open web console with live logs costs a warm invoke: in turns with no console, so that both meet the same
 * host. Besides the time of the invoke, as its client sees it, the processor time of the server with all of its
 * threads: a reader on the same cores costs time, too, and is no part of that. The readers here do nothing but read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { signRequest } from "@thaw/aws-api";
import { pidOf, REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { type Series, summarize } from "./series.ts";

const ROUNDS = 20;
/** Of each turn. */
const INVOKES = 100;
/** Between two turns: what the one before left to do has been done. */
const SETTLE_MS = 300;
/** Each view of the console that is in sight asks as often. */
const POLL_MS = 5000;
const NS_PER_US = 1000;
const US_PER_MS = 1000;
const CODE = { "index.js": "exports.handler = async () => { console.log('a line of the function'); return 'ok'; };" };

interface Case {
  readonly label: string;
  /** Routes that answer until the client leaves. NOW: what was before is no part of this. */
  readonly follows: readonly string[];
  /** Routes that are asked again and again. */
  readonly polls: readonly string[];
}

interface Turn {
  readonly invokeMs: readonly number[];
  /** Of the server's process for one invoke. */
  readonly processorUs: number;
}

export async function* measureConsole(): AsyncGenerator<Series> {
  // By a name that is made here: what runs in a page has other types than what runs in Node.js.
  const path = join(REPOSITORY, "tests/console/measure-pages.ts");
  const pages = (await import(path)) as { readonly measureConsolePages: () => AsyncGenerator<Series> };
  yield* pages.measureConsolePages();
  yield* measureInvokes();
}

async function* measureInvokes(): AsyncGenerator<Series> {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const name = await functions.create(CODE);
    const cases: readonly Case[] = [
      { label: "no console", follows: [], polls: [] },
      { label: "the console's Logs and Overview", follows: ["log-events/follow"], polls: ["overview"] },
      { label: "a function's Logs and Overview", follows: [`logs/${name}?follow=1&since=NOW`], polls: ["overview"] },
      { label: "thaw dev or thaw invocations", follows: ["invocations/follow", "log-events/follow"], polls: [] },
    ];
    const turns = new Map<string, Turn[]>(cases.map(({ label }) => [label, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      // Each case comes first, second and so on as often as the others: a host may become slower within a round.
      for (let at = 0; at < cases.length; at++) {
        const each = cases[(at + round) % cases.length] as Case;
        const turn = await measureTurn(server, functions, name, each);
        // The first round warms the server up.
        if (round > 0) turns.get(each.label)?.push(turn);
      }
    }
    const [none = []] = turns.values();
    for (const [label, all] of turns) yield* seriesOf(label, all, none);
  } finally {
    await server.remove();
  }
}

function* seriesOf(label: string, all: readonly Turn[], none: readonly Turn[]): Generator<Series> {
  yield { name: `Warm Invoke, ${label}`, unit: "ms", values: all.flatMap(({ invokeMs }) => invokeMs) };
  yield { name: "  the server's processor time of it", unit: "µs", values: all.map((turn) => turn.processorUs) };
  if (all === none) return;
  const beside = all.map((turn, round) => ({ turn, without: none[round] as Turn }));
  yield {
    name: "  more than with no console, medians of each round",
    unit: "µs",
    values: beside.map(({ turn, without }) => (medianOf(turn) - medianOf(without)) * US_PER_MS),
  };
  yield {
    name: "  more of the server's processor time",
    unit: "µs",
    values: beside.map(({ turn, without }) => turn.processorUs - without.processorUs),
  };
}

function medianOf({ invokeMs }: Turn): number {
  return summarize(invokeMs).median;
}

async function measureTurn(server: ThawServer, functions: TestFunctions, name: string, wish: Case): Promise<Turn> {
  const readers = await Promise.all(
    wish.follows.map((route) => read(server, route.replace("NOW", String(Date.now())))),
  );
  const ask = (): void => void wish.polls.map(async (route) => (await read(server, route, "close")).resume());
  const polling = setInterval(ask, POLL_MS);
  ask();
  await functions.invoke(name);
  await pause(SETTLE_MS);
  const beforeNs = processorNs(server);
  const invokeMs: number[] = [];
  for (let count = 0; count < INVOKES; count++) {
    const startMs = performance.now();
    await functions.invoke(name);
    invokeMs.push(performance.now() - startMs);
  }
  // What the last invokes left to write is theirs.
  await pause(SETTLE_MS);
  const processorUs = (processorNs(server) - beforeNs) / NS_PER_US / INVOKES;
  clearInterval(polling);
  const heard = readers.map(({ bytesRead }) => bytesRead);
  for (const reader of readers) reader.destroy();
  if (heard.some((bytes) => bytes < INVOKES * 100))
    throw new Error(`${wish.label}: followers heard ${heard.join(" and ")} bytes`);
  return { invokeMs, processorUs };
}

/** Asks as a signed client does, and drops the answer as it comes. Resolves when the answer has begun. */
async function read({ endpoint, env }: ThawServer, route: string, connection = "keep-alive"): Promise<Socket> {
  const { host, hostname, port } = new URL(endpoint);
  const [path = "", query = ""] = `/_thaw/v1/${route}`.split("?");
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const toSign = { method: "GET", path, query, headers: { host }, body: Buffer.alloc(0) };
  const headers = { host, connection, ...signRequest(toSign, credentials, "us-east-1", Date.now()) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /_thaw/v1/${route} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  if (!head.toString("latin1").startsWith("HTTP/1.1 200")) throw new Error(`${route}: ${head.toString()}`);
  return socket.on("data", () => undefined);
}

/** Time that the threads of the server's process have run: all that there were, its pool's and the logs' included. */
function processorNs({ pid }: ThawServer): number {
  const tasks = `/proc/${pidOf(pid, "server")}/task`;
  const times = readdirSync(tasks).map((task) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]),
  );
  return times.reduce((sum, each) => sum + each, 0);
}
