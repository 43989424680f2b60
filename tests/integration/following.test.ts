/** Commands that go on: what they show over a restart of the server, and how they end when they may see no more. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI, runThaw } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { TestFunctions } from "../support/functions.ts";
import { inTime } from "../support/in-time.ts";

const CODE = { "index.mjs": "export const handler = async ({ mark }) => console.log(`mark ${mark}.`);\n" };
const ALICE = "111122223333";

it("goes on when the server is there again, and shows each line once", async () => {
  const listen = ["--listen", `127.0.0.1:${await freePort()}`];
  const first = await startThaw({ args: listen });
  let server: ThawServer = first;
  onTestFinished(() => server.remove());
  const before = new TestFunctions(first);
  const name = await before.create(CODE);
  await before.invoke(name, { mark: "early" });
  const logs = follow(first, ["logs", name, "--follow"]);
  const invocations = follow(first, ["invocations", name, "--follow"]);
  await logs.shows("mark early.");
  await invocations.shows("success");
  // Before this one is shown the invocations of before may be, and nothing followed yet.
  await before.invoke(name, { mark: "next" });
  await logs.shows("mark next.");
  await invocations.shows("success", 2);
  await first.stop();
  for (const each of [logs, invocations]) await each.says("are not shown at the moment: ");
  server = await startThaw({ previous: first, args: listen });
  await new TestFunctions(server).invoke(name, { mark: "late" });
  await logs.shows("mark late.");
  await invocations.shows("success", 3);
  for (const each of [logs, invocations]) {
    expect(await each.interrupt()).toBe(0);
    expect(each.said()).toContain("They go on when the server answers\n");
  }
  expect(logs.shown().match(/mark \w+\./g)).toEqual(["mark early.", "mark next.", "mark late."]);
  expect(invocations.shown().match(/success/g)).toHaveLength(3);
});

it("ends with the reason once its key is none any more", async () => {
  const server = await startThaw();
  onTestFinished(() => server.remove());
  const added = await runThaw(["--json", "accounts", "add", ALICE], server.env);
  const keys = JSON.parse(added.stdout) as { readonly accessKeyId: string; readonly secretAccessKey: string };
  const own = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  const functions = new TestFunctions({ ...server, env: { ...server.env, ...own } });
  const name = await functions.create(CODE);
  await functions.invoke(name, { mark: "early" });
  const env = {
    ...server.env,
    ...own,
    THAW_ACCESS_KEY_ID: keys.accessKeyId,
    THAW_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  const logs = follow({ env }, ["logs", name, "--follow"]);
  const invocations = follow({ env }, ["invocations", name, "--follow"]);
  await logs.shows("mark early.");
  await invocations.shows("success");
  const rotated = JSON.parse(
    (await runThaw(["--json", "accounts", "rotate", ALICE, "--now"], server.env)).stdout,
  ) as typeof keys;
  const next = { AWS_ACCESS_KEY_ID: rotated.accessKeyId, AWS_SECRET_ACCESS_KEY: rotated.secretAccessKey };
  // An answer that nothing is added to ends with the next line.
  await new TestFunctions({ ...server, env: { ...server.env, ...next } }).invoke(name, { mark: "late" });
  for (const each of [logs, invocations]) {
    expect(await each.end()).toBe(1);
    expect(each.said()).toMatch(/key|token|credential/i);
    expect(each.shown()).not.toContain("late");
  }
});

interface Follower {
  /** `times`: how often at least. */
  shows(text: string, times?: number): Promise<void>;
  says(text: string): Promise<void>;
  readonly shown: () => string;
  readonly said: () => string;
  /** Both resolve with its exit status. */
  end(): Promise<number | null>;
  interrupt(): Promise<number | null>;
}

function follow({ env }: Pick<ThawServer, "env">, args: readonly string[]): Follower {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  let [shown, said] = ["", ""];
  const listeners = new Set<() => void>();
  const heard = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    heard();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    heard();
  });
  const all = (): string => `${args[0]}: ${shown}${said}`;
  const until = (text: string, of: () => string, times = 1): Promise<void> =>
    inTime(
      text,
      new Promise((resolve) => {
        const look = (): void => {
          if (of().split(text).length > times) resolve();
        };
        listeners.add(look);
        look();
      }),
      all,
    );
  const end = async (): Promise<number | null> => {
    await inTime("its end", closed, all);
    return child.exitCode;
  };
  return {
    shows: (text, times) => until(text, () => shown, times),
    says: (text) => until(text, () => said),
    shown: () => shown,
    said: () => said,
    end,
    interrupt: () => {
      child.kill("SIGINT");
      return end();
    },
  };
}
