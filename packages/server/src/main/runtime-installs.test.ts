import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, duplexPair } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { onLines } from "../base/lines.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { RuntimeInstalls } from "./runtime-installs.ts";

let dir: string;
let installs: RuntimeInstalls;
let server: Duplex;
let channel: Duplex;
const clock = new FakeClock();
let notes: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-installs-"));
  notes = [];
});
afterEach(async () => {
  await installs.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(script: string): { readonly replies: AsyncIterator<unknown> } {
  const path = join(dir, "install.sh");
  writeFileSync(path, `cd "${dir}"; echo "$1" >> runs\n${script}`);
  [server, channel] = duplexPair();
  installs = new RuntimeInstalls(channel, { script: path, clock, onNote: (line) => notes.push(line) });
  return { replies: lines(server) };
}

async function* lines(stream: Duplex): AsyncGenerator {
  const told: string[] = [];
  let wake: () => void = () => undefined;
  onLines(stream, (line) => {
    told.push(line);
    wake();
  });
  for (;;) {
    const line = told.shift();
    if (line !== undefined) yield JSON.parse(line);
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

const next = async (replies: AsyncIterator<unknown>): Promise<unknown> => (await replies.next()).value;
const runs = (): readonly string[] => readFileSync(join(dir, "runs"), "utf8").trim().split("\n");

it("installs names of its list, each once, and says how it went", async () => {
  const { replies } = start('[ "$1" = java21 ] || { echo early; printf "thaw: no \\033[1mspace\\n" >&2; exit 1; }');
  server.write("nodejs20\nnodejs20.x\n../java21\n\njava21 --update\nnode");
  server.write("js20\njava21\n");
  expect(await next(replies)).toEqual({ name: "nodejs20", problem: "no  [1mspace" });
  expect(await next(replies)).toEqual({ name: "java21", problem: null });
  expect(runs()).toEqual(["nodejs20", "java21"]);
  expect(notes.join("\n")).toMatch(/nodejs20 could not be installed: no/);
  // What has failed may be asked for again.
  server.write("nodejs20\n");
  expect(await next(replies)).toMatchObject({ name: "nodejs20" });
  expect(runs()).toHaveLength(3);
});

it("hangs up on a request that has no end", async () => {
  start("");
  const closed = once(channel, "close");
  server.write("x".repeat(100_000));
  await closed;
  expect(notes).toEqual([]);
});

it("an install ends with all that it has started, at the close and at its limit", async () => {
  // The grandchild holds the writing end of the pipe open for as long as it lives.
  const { replies } = start("exec 8> pipe; setsid sleep 1000 & echo begun >&8; wait");
  expect(spawnSync("mkfifo", [join(dir, "pipe")]).status).toBe(0);
  const begun = async (name: string): Promise<{ readonly ended: Promise<unknown> }> => {
    const pipe = createReadStream(join(dir, "pipe"), "utf8");
    const ended = once(pipe, "close");
    server.write(`${name}\n`);
    expect(await once(pipe, "data")).toEqual(["begun\n"]);
    pipe.resume();
    return { ended };
  };
  const late = await begun("nodejs20");
  await clock.advance(1_800_000);
  await late.ended;
  expect(await next(replies)).toEqual({ name: "nodejs20", problem: "it took more than 30 minutes" });
  const closed = await begun("java21");
  await installs.close();
  await closed.ended;
});
