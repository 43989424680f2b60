/** What an operator does to a running server: renew it, stop it, stop it at once, and start it on other data. */
import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { Gate, GATE_CODE } from "../support/gate.ts";
import { TestFunctions } from "../support/functions.ts";

const WHO = {
  "index.mjs":
    "const born = Date.now() + Math.random(); export const handler = async (event) => { await new Promise((next) => setTimeout(next, event.ms ?? 0)); return { born, n: event.n ?? null }; };",
};

const listenings = (server: ThawServer): number => server.output().split("thaw listening on").length - 1;
const ports = (server: ThawServer): Set<string> =>
  new Set([...server.output().matchAll(/thaw listening on \S+:(\d+)/g)].map((match) => match[1] ?? ""));

/** Accepted, and not done. */
function countEvents({ dataDir }: ThawServer): number {
  const store = new DatabaseSync(join(dataDir, "thaw.db"), { readOnly: true });
  try {
    return (store.prepare("SELECT count(*) AS count FROM events").get() as { count: number }).count;
  } finally {
    store.close();
  }
}

/** Looks in the next turn of the event loop, so that output can come in. */
const nextTurn = (look: () => boolean): Promise<boolean> =>
  new Promise((resolve) => setImmediate(() => resolve(look())));

it("does not wait for a connection on which nothing was ever asked", async ({ expect }) => {
  const server = await startThaw({ args: ["--drain-timeout-s", "3600"] });
  const { hostname, port } = new URL(server.endpoint);
  const opened = connect(Number(port), hostname);
  try {
    await once(opened, "connect");
    // Its own connection has been accepted after ours.
    expect((await fetch(`${server.endpoint}/healthz/live`)).status).toBe(200);
    await server.stop();
  } finally {
    opened.destroy();
    await server.remove();
  }
});

it("is renewed under load without a failed invoke: warm, cold, with kept and with new connections", async ({
  expect,
}) => {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const warm = await functions.create(WHO);
    const snapped = await functions.createSnapStart(WHO);
    const version = await functions.publish(snapped);
    const born = new Set<unknown>();
    let answered = 0;
    let isOver = false;
    const load = async (invoke: (n: number) => Promise<unknown>): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const payload = (await invoke(n)) as { born: number; n: number };
        if (payload.n !== n) throw new Error(`another's answer: ${JSON.stringify(payload)}`);
        born.add(payload.born);
        answered++;
      }
    };
    /** A connection for each call. */
    const fresh = async (n: number): Promise<unknown> => {
      const own = new TestFunctions(server, { keepAlive: true });
      try {
        return (await own.invoke(snapped, { n }, version)).payload;
      } finally {
        own.lambda.destroy();
      }
    };
    const loads = Promise.all([
      load(async (n) => (await functions.invoke(warm, { n })).payload),
      load(async (n) => (await functions.invoke(warm, { n, ms: 300 })).payload),
      load(async (n) => (await functions.invoke(snapped, { n }, version)).payload),
      load(fresh),
      load(fresh),
    ]);
    loads.catch(() => undefined);
    const failed = loads.then(() => null);
    const until = async (what: string, look: () => boolean): Promise<void> =>
      void (await Promise.race([functions.eventually(what, () => nextTurn(look)), failed]));
    await until("load", () => answered > 50);
    // It begins while a long invoke is under way.
    const long = functions.invoke(warm, { n: -1, ms: 3000 });
    const parts = childrenOf(server.pid).map(({ pid }) => pid);
    process.kill(server.pid, "SIGHUP");
    await until("a second server listens", () => listenings(server) === 2);
    expect((await long).payload).toMatchObject({ n: -1 });
    const before = answered;
    await until("load on the new server", () => answered > before + 50);
    isOver = true;
    await loads;
    expect(ports(server).size).toBe(1);
    expect(born.size).toBeGreaterThan(3);
    expect(childrenOf(server.pid).filter(({ pid }) => parts.includes(pid))).toEqual([]);
  } finally {
    await server.remove();
  }
});

it("finishes running invokes after SIGTERM, takes no new ones, and keeps the events that wait", async ({ expect }) => {
  const gate = new Gate();
  const code = `${GATE_CODE}
export const handler = async ({ n }) => { await opened(n === 1 ? "first" : "events"); return { n }; };`;
  // Most events have to wait.
  const server = await startThaw({ args: ["--environments-max", "5", "--drain-timeout-s", "600", ...gate.args] });
  const functions = new TestFunctions(server, { keepAlive: true });
  const name = await functions.create({ "index.mjs": code }, gate.options);
  const running = functions.invoke(name, { n: 1 });
  await functions.eventually("it runs", async () =>
    (await functions.environments(name)).some(({ state }) => state === "invoking"),
  );
  const accept = (_: unknown, n: number): Promise<unknown> => {
    const Payload = Buffer.from(JSON.stringify({ n: 100 + n }));
    return functions.lambda.send(new InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload }));
  };
  await Promise.all(Array.from({ length: 80 }, accept));
  const stopped = server.stop();
  await functions.eventually("it stops", () => nextTurn(() => server.output().includes('"event":"stopping"')));
  // The launcher has the port until the end, so that this is not refused before.
  const late = fetch(`${server.endpoint}/healthz/live`).then(
    () => "answered",
    () => "not answered",
  );
  gate.open("first");
  expect((await running).payload).toEqual({ n: 1 });
  gate.open("events");
  await stopped;
  expect(await late).toBe("not answered");
  expect(countEvents(server)).toBeGreaterThan(0);
  const next = await startThaw({ previous: server, args: gate.args });
  try {
    const again = new TestFunctions(next, { keepAlive: true });
    const reports = async (): Promise<number> => {
      const ids = (await again.logs(name)).flatMap(
        ({ message }) => /^REPORT RequestId: (\S+)/.exec(message)?.[1] ?? [],
      );
      return new Set(ids).size;
    };
    // An event is done at its answer; its REPORT follows when the runtime polls again.
    await again.eventually("each invoke is reported", async () => (await reports()) >= 81, 200_000);
    await again.eventually("no event waits", () => nextTurn(() => countEvents(server) === 0));
    expect(await reports()).toBe(81);
  } finally {
    await next.remove();
    gate.remove();
  }
});

it("ends at once at the second SIGTERM", async ({ expect }) => {
  const server = await startThaw({ args: ["--drain-timeout-s", "600"] });
  const functions = new TestFunctions(server, { keepAlive: true });
  const name = await functions.create(WHO, { Timeout: 60 });
  const running = functions.invoke(name, { ms: 50_000 }).catch((error: unknown) => error);
  await functions.eventually("it runs", async () =>
    (await functions.environments(name)).some(({ state }) => state === "invoking"),
  );
  process.kill(server.pid, "SIGTERM");
  await functions.eventually("it stops", () => nextTurn(() => server.output().includes('"event":"stopping"')));
  await server.stop();
  expect(await running).toBeInstanceOf(Error);
  await server.remove();
});

it("refuses data of a newer version in plain words, and leaves it as it is", async ({ expect }) => {
  const server = await startThaw();
  await server.stop();
  const path = join(server.dataDir, "thaw.db");
  const store = new DatabaseSync(path);
  store.exec("PRAGMA user_version = 4711");
  store.close();
  for (const end of ["", "-wal", "-shm"])
    try {
      chownSync(`${path}${end}`, 64_321, 64_321);
    } catch {
      /* not there */
    }
  await expect(startThaw({ previous: server })).rejects.toThrow(/format 4711.*newer version of Thaw/s);
  const after = new DatabaseSync(path, { readOnly: true });
  expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 4711 });
  after.close();
  execFileSync("rm", ["-rf", server.dataDir]);
});
