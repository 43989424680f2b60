/** A worker that is a process of its own, with a data directory of its own, and what becomes of calls when it dies. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { FakeClock } from "@thaw/server/testing/fakes";
import type { InvokeOutcome } from "@thaw/server/testing/ports";
import { RemoteWorker } from "@thaw/server/testing/remote-worker";
import { openCodeDirectory } from "@thaw/server/testing/store";
import type { RemoteWorkerStart } from "../support/remote-worker-process.ts";
import { Between } from "./between.ts";
import { whole, WorkerHarness } from "./harness.ts";
import { certificates } from "./remote.ts";
import { Taker } from "./taker.ts";
import { zipOf } from "./zip.ts";

const PROGRAM = join(import.meta.dirname, "../support/remote-worker-process.ts");

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

/** What is left to be ended, whatever came of the test. */
const ends: Array<() => Promise<void> | void> = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function directory(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `thaw-${name}-`));
  ends.push(() => rmSync(dir, { recursive: true }));
  return dir;
}

async function start(how: RemoteWorkerStart): Promise<Started> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
  ends.push(() => kill(child));
  child.stdin.write(`${JSON.stringify(how)}\n`);
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, port: Number(line) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function codeOf(call: Promise<void>): Promise<unknown> {
  return call.then(
    () => null,
    (error: { readonly code?: unknown }) => error.code,
  );
}

async function textOf(outcome: Promise<InvokeOutcome>): Promise<string> {
  const taken = await whole(await outcome);
  return taken.kind === "response" ? taken.payload.toString() : JSON.stringify(taken);
}

test("a worker's process runs what it is sent, is killed, comes back, hangs and goes on", async () => {
  const { authority, control, worker: identity } = await certificates();
  const here = await openCodeDirectory(directory("here"), async () => undefined);
  const { codeName } = await here.unpack(await zipOf("code"));
  const how = { identity, authority: authority.certificate, dataDir: directory("there"), codeName };
  let started = await start(how);
  const between = await Between.to(started.port);
  ends.push(() => between.close());
  const clock = new FakeClock();
  const taker = new Taker();
  let sent = 0;
  const packages = {
    readZip: (name: string) => {
      sent++;
      return here.readZip(name);
    },
  };
  const address = { workerId: "w1", host: "127.0.0.1", port: between.port };
  const worker = new RemoteWorker(
    { ...address, identity: control, authority: authority.certificate },
    { clock, taker, packages },
  );
  ends.push(() => worker.hangUp());
  const requests = new WorkerHarness({});
  const invoke = (payload: string): Promise<InvokeOutcome> =>
    worker.invoke(requests.version({ codeName }), requests.input({ payload: Buffer.from(payload) }));

  expect(await textOf(invoke("a"))).toBe("1");
  expect(await textOf(invoke("b"))).toBe("2");
  await taker.untilLine("b 2");
  expect(sent).toBe(1);

  const lost = invoke("wait");
  await taker.untilLine("wait 3");
  await kill(started.child);
  expect(await lost).toMatchObject({ code: "WORKER_LOST" });
  await taker.until(() => taker.failures.length === 1);
  // Until it has been seen that none of the connections of before is left.
  let code = await codeOf(worker.hello());
  while (code === "WORKER_LOST") code = await codeOf(worker.hello());
  expect(code).toBe("WORKER_UNREACHABLE");

  // Another process, which has run nothing so far, and has the package of before.
  started = await start(how);
  between.target = started.port;
  expect(await textOf(invoke("c"))).toBe("1");
  await clock.advance(1000);
  await taker.untilLine("c 1");
  expect(sent).toBe(1);
  expect(taker.logs.lines.filter((line) => line.startsWith("wait"))).toEqual(["wait 3"]);

  const hung = invoke("wait");
  await taker.untilLine("wait 2");
  started.child.kill("SIGSTOP");
  await clock.advance(5000);
  await clock.advance(10_000);
  expect(await hung).toMatchObject({ code: "WORKER_LOST" });
  expect(await invoke("d")).toMatchObject({ code: "WORKER_UNREACHABLE" });
  started.child.kill("SIGCONT");
  await clock.advance(5000);
  // It is heard of in the time of a network, which is on no fake clock.
  let text = await textOf(invoke("e"));
  while (text.includes("WORKER_UNREACHABLE")) {
    await new Promise((resolve) => setImmediate(resolve));
    text = await textOf(invoke("e"));
  }
  // Neither was the one run twice that was lost, nor the one run at all that was refused.
  expect(text).toBe("3");
  await requests.end();
});
