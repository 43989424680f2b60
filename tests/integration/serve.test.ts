// alone: looks at all networks and sandboxes of the machine
/** Starting and stopping `thaw serve`: what stands in the way is said, and nothing keeps it from ending. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { bundled } from "@thaw/installation/bundled";
import { describe, it } from "vitest";
import { pidOf, REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { Gate, GATE_CODE } from "../support/gate.ts";
import { TestFunctions } from "../support/functions.ts";
import { ownTable, tableHandles } from "../support/nft-tables.ts";

const SLOW = {
  "index.mjs":
    "export const handler = async () => { await new Promise((next) => setTimeout(next, 1500)); return 'done'; };\n",
};

/** Longer than a test may take: a server that waits for it fails the test. */
const DRAIN_TIMEOUT_S = 600;

async function withServer(
  run: (server: ThawServer, functions: TestFunctions) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const server = await startThaw({ args: ["--drain-timeout-s", String(DRAIN_TIMEOUT_S), ...args] });
  try {
    await run(server, new TestFunctions(server));
  } finally {
    await server.remove();
  }
}

describe("a start that can't succeed", () => {
  it("ends with a reason where the port is in use", async ({ expect }) => {
    await withServer(async (server) => {
      const { host } = new URL(server.endpoint);
      const second = startThaw({ args: ["--listen", host] });
      await expect(second.then((started) => started.remove())).rejects.toThrow(/ended with 2:\n.*the port is in use/s);
    });
  });

  it("ends with a reason where the data directory is in use, and harms nothing in it", async ({ expect }) => {
    await withServer(async (server, functions) => {
      const name = await functions.createSnapStart(SLOW);
      const version = await functions.publish(name);
      await expect(startThaw({ previous: server }).then((started) => started.stop())).rejects.toThrow(
        /is in use by another thaw serve/,
      );
      expect((await functions.invoke(name, {}, version)).payload).toBe("done");
    });
  });
});

it("takes settings from a file that only root may read, and hands them to the server", async ({ expect }) => {
  const place = mkdtempSync(join(tmpdir(), "thaw-config-"));
  const file = join(place, "thaw.yaml");
  writeFileSync(file, "account-id: 000000000012\nenvironments-max: 7\n", { mode: 0o600 });
  const server = await startThaw({ args: ["--config", file] });
  try {
    const functions = new TestFunctions(server);
    const name = await functions.create(SLOW);
    const { FunctionArn } = await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    expect(FunctionArn).toBe(`arn:aws:lambda:us-east-1:000000000012:function:${name}`);
    expect(await (await functions.admin("GET", "host")).json()).toMatchObject({ limits: { environmentsMax: 7 } });
  } finally {
    await server.remove();
    rmSync(place, { recursive: true });
  }
});

/** Empty where the thread has ended meanwhile: each request to sandboxd has one. */
function statusOf(task: string): string {
  try {
    return readFileSync(join(task, "status"), "utf8");
  } catch {
    return "";
  }
}

describe("SIGTERM", () => {
  it("answers what is running, and does not wait for the client to hang up", async ({ expect }) => {
    const gate = new Gate();
    const code = `${GATE_CODE}\nexport const handler = async () => { await opened("end"); return "done"; };`;
    await withServer(async (server, functions) => {
      const name = await functions.create({ "index.mjs": code }, gate.options);
      // The SDK keeps its connection open for a next request.
      const answer = functions.invoke(name);
      await functions.eventually("invoking", async () =>
        (await functions.environments(name)).some((each) => each.state === "invoking"),
      );
      const stopped = server.stop();
      await functions.eventually("it stops", async () => server.output().includes('"event":"stopping"'));
      gate.open("end");
      await stopped;
      expect((await answer).payload).toBe("done");
    }, gate.args).finally(() => gate.remove());
  });

  it("ends a client that follows the logs", async () => {
    await withServer(async (server, functions) => {
      const name = await functions.create(SLOW);
      await functions.invoke(name);
      const following = await functions.admin("GET", `logs/${name}?follow=1`);
      const lines = following.body?.pipeThrough(new TextDecoderStream()).getReader();
      // The head of the answer comes before the first line.
      for (let text = ""; !text.includes("START RequestId"); ) {
        const { value, done } = (await lines?.read()) ?? { done: true };
        if (done) throw new Error(`it ended after ${text}`);
        text += value;
      }
      await server.stop();
      for (let isDone = false; !isDone; ) isDone = (await lines?.read())?.done ?? true;
    });
  });
});

it("what a killed sandboxd left of its network goes at the next start, whichever addresses that takes", async ({
  expect,
}) => {
  const first = await startThaw();
  const second = await startThaw();
  // By their handles: servers of other tests come and go meanwhile, and take names that are free.
  const handleOf = ({ pid }: ThawServer): number | undefined => tableHandles().get(ownTable(pid));
  const made = [handleOf(first), handleOf(second)];
  const left = (): unknown[] => [...tableHandles().values()].filter((handle) => made.includes(handle));
  expect(left()).toHaveLength(2);
  await second.kill("sandboxd");
  await first.remove();
  const next = await startThaw({ previous: second });
  try {
    expect(left()).toEqual([]);
    made.push(handleOf(next));
    expect(left()).toHaveLength(1);
  } finally {
    await next.remove();
  }
  expect(left()).toEqual([]);
});

it("the server is its bundle while the sources are as they were", async ({ expect }) => {
  await withServer(async (server) => {
    const words = readFileSync(`/proc/${pidOf(server.pid, "server")}/cmdline`, "utf8").split("\0");
    const sources = join(REPOSITORY, "packages/server/src/main/serve.ts");
    // The set-up has bundled them; one that was edited since is run itself.
    expect(words).toContain(bundled(REPOSITORY, "serve") ?? sources);
  });
});

it("no thread of sandboxd can be met by the signals that it waits for", async ({ expect }) => {
  await withServer(async (server) => {
    const tasks = `/proc/${pidOf(server.pid, "sandboxd")}/task`;
    const blocked = readdirSync(tasks).flatMap((tid) => {
      const mask = /^SigBlk:\s*(\w+)/m.exec(statusOf(join(tasks, tid)))?.[1];
      return mask === undefined ? [] : [BigInt(`0x${mask}`)];
    });
    expect(blocked.length).toBeGreaterThan(3);
    // In sigwait the main thread alone shows them as not blocked.
    for (const signal of [constants.signals.SIGTERM, constants.signals.SIGINT])
      expect(blocked.filter((mask) => (mask & (1n << BigInt(signal - 1))) === 0n).length).toBeLessThanOrEqual(1);
  });
});
