/** SIGKILL of any process at a bad moment: the next start finds a consistent state and nothing of the old run. */
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  PublishVersionCommand,
} from "@aws-sdk/client-lambda";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  symlinkSync,
  truncateSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { partsOf } from "@thaw/installation";
import { describe, it } from "vitest";
import { childrenOf, isRunning } from "../../tools/processes.ts";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";

const SLOW_INIT = {
  "index.mjs": "await new Promise((next) => setTimeout(next, 1500));\nexport const handler = async () => 'ready';\n",
};
const QUICK = { "index.mjs": "export const handler = async () => 'quick';\n" };

/** Every server that is started ends with the test. */
async function withServer(
  run: (server: ThawServer, functions: TestFunctions, restart: () => Promise<TestFunctions>) => Promise<void>,
): Promise<void> {
  const server = await startThaw();
  const started = [server];
  try {
    await run(server, new TestFunctions(server), async () => {
      const again = await startThaw({ previous: server });
      started.push(again);
      return new TestFunctions(again);
    });
  } finally {
    for (const each of started.reverse()) await each.remove();
  }
}

describe.each(["launcher", "server", "sandboxd"] as const)("SIGKILL of the %s", (who) => {
  it("while a version is Pending: it is taken up again", async ({ expect }) => {
    await withServer(async (server, functions, restart) => {
      const name = await functions.createSnapStart(SLOW_INIT);
      const ready = await functions.createSnapStart(QUICK);
      const version = await functions.publish(ready);
      await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
      await functions.eventually("Init runs", async () => (await functions.environments(name)).length > 0);
      await server.kill(who);
      const next = await restart();
      expect(await next.decided(name, "1")).toMatchObject({ State: "Active", SnapStart: { OptimizationStatus: "On" } });
      expect((await next.invoke(name, {}, "1")).payload).toBe("ready");
      const restored = await next.invoke(ready, {}, version);
      expect(restored.payload).toBe("quick");
      expect(restored.log).toContain("Restore Duration");
    });
  });
});

it("leaves versions Pending where sandboxd is told to end, and takes them up again", async ({ expect }) => {
  await withServer(async (server, functions, restart) => {
    const names = await Promise.all(Array.from({ length: 8 }, () => functions.createSnapStart(QUICK)));
    for (const name of names) await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    // Then others are in the middle of it: being made, initialised, dumped.
    await functions.eventually("the first is Active", async () => {
      const now = await functions.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: names[0], Qualifier: "1" }),
      );
      return now.State === "Active";
    });
    const parts = childrenOf(server.pid);
    process.kill(parts.find((each) => each.command.includes("thaw-sandboxd"))?.pid ?? 0, "SIGTERM");
    await functions.eventually("all have ended", async () => parts.every((each) => !isRunning(each.pid)));
    const next = await restart();
    for (const name of names) {
      const settled = await next.decided(name, "1");
      expect(settled).toMatchObject({ State: "Active", SnapStart: { OptimizationStatus: "On" } });
    }
  });
});

describe("an environment that was frozen when sandboxd was killed", () => {
  const invoked = async (
    server: ThawServer,
    functions: TestFunctions,
  ): Promise<ReadonlyArray<{ readonly pid: number; readonly command: string }>> => {
    const name = await functions.create(QUICK);
    await functions.invoke(name);
    await functions.eventually("frozen", async () =>
      (await functions.environments(name)).every((each) => each.state === "idle"),
    );
    return childrenOf(server.pid);
  };

  it("goes with it", async ({ expect }) => {
    await withServer(async (server, functions) => {
      expect((await invoked(server, functions)).some((each) => each.command.includes("/var/rapid/init"))).toBe(true);
      // Resolves when none of them is left.
      await server.kill("sandboxd");
    });
  });

  it("goes at the next start, where the launcher was killed as well", async ({ expect }) => {
    await withServer(async (server, functions, restart) => {
      const parts = await invoked(server, functions);
      const sandboxd = parts.find((each) => each.command.includes("thaw-sandboxd"))?.pid ?? 0;
      process.kill(server.pid, "SIGSTOP");
      process.kill(sandboxd, "SIGKILL");
      process.kill(server.pid, "SIGKILL");
      const next = await restart();
      await next
        .eventually("none of the old processes", async () => parts.every((each) => !isRunning(each.pid)), 40_000)
        .catch((error: Error) => {
          throw new Error(JSON.stringify(parts.filter((each) => isRunning(each.pid))), { cause: error });
        });
      expect((await next.invoke("test-1")).payload).toBe("quick");
    });
  });
});

it("carries out an accepted event after a crash", async ({ expect }) => {
  await withServer(async (server, functions, restart) => {
    const name = await functions.create({
      "index.mjs":
        "await new Promise((next) => setTimeout(next, 1000));\nexport const handler = async (event) => console.log('event', event.n);\n",
    });
    const accepted = await functions.lambda.send(
      new InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: Buffer.from('{"n":41}') }),
    );
    expect(accepted.StatusCode).toBe(202);
    await server.kill("server");
    const next = await restart();
    await next.eventually("the event's line", async () =>
      (await next.logs(name)).some((event) => event.message.endsWith("event 41")),
    );
  });
});

it("stops a publish when its function is deleted", async ({ expect }) => {
  await withServer(async (_server, functions) => {
    const name = await functions.createSnapStart(SLOW_INIT);
    await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
    await functions.eventually("no environment", async () => (await functions.environments(name)).length === 0);
    await expect(
      functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: "1" })),
    ).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });
});

describe("a snapshot's file", () => {
  const damages: ReadonlyArray<readonly [string, (file: string) => void]> = [
    ["changed by one bit", flipBit],
    ["cut short", (file) => truncateSync(file, statSync(file).size - 1)],
  ];

  it.for(damages)("%s is never restored; the snapshot is made anew", async ([, damage], { expect }) => {
    await withServer(async (server, functions) => {
      const name = await functions.createSnapStart(QUICK);
      const version = await functions.publish(name);
      const chunks = join(server.dataDir, "chunks");
      for (const file of readdirSync(chunks, { recursive: true, encoding: "utf8" }))
        if (file.length > 64) damage(join(chunks, file));
      await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({
        name: "ServiceException",
        message: expect.stringContaining("damaged"),
      });
      const cured = await functions.eventually("a new snapshot", async () =>
        functions
          .invoke(name, {}, version)
          .catch((error: Error) => (error.name === "SnapStartNotReadyException" ? null : Promise.reject(error))),
      );
      expect(cured.payload).toBe("quick");
    });
  });
});

it("fails a version where the disk is full at the moment of the snapshot", async ({ expect }) => {
  const first = await startThaw();
  await first.stop();
  const snapshots = join(first.dataDir, "snapshots");
  const chunks = join(first.dataDir, "chunks");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m,mode=755", "thaw-test-full", chunks]);
  const server = await startThaw({ previous: first });
  try {
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(QUICK);
    await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    const failed = await functions.eventually("Failed", async () => {
      const now = await functions.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: "1" }),
      );
      return now.State === "Failed" && now;
    });
    expect(failed, server.output()).toMatchObject({
      StateReasonCode: "InternalError",
      StateReason: "The host's disk is full.",
    });
    expect(readdirSync(snapshots).filter((each) => each.startsWith("snap-"))).toEqual([]);
    expect((await functions.invoke(name)).payload).toBe("quick");
  } finally {
    await server.stop();
    execFileSync("umount", [chunks]);
    await server.remove();
  }
});

/**
 * Becomes the program under a filter that allows all system calls, as the ones of containers and services are there,
 * too.
 */
const UNDER_FILTER = `#!/usr/bin/python3
import ctypes, os, struct, sys
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000), 8)
if ctypes.CDLL(None).prctl(22, 2, struct.pack("HxxxxxxQ", 1, ctypes.addressof(code)), 0, 0): sys.exit("no filter")
os.execv(PROGRAM, sys.argv)
`;

const CASES: ReadonlyArray<readonly [string, RegExp, (dir: string) => Readonly<Record<string, string>>]> = [
  ["without CRIU", /CRIU|criu/, () => ({ THAW_CRIU: "/nonexistent/criu" })],
  [
    "that filters sandboxd's system calls",
    /under a filter of system calls/,
    (dir) => {
      const { sandboxd, supervisor, pager } = partsOf(process.env);
      for (const path of [supervisor, pager]) symlinkSync(path, join(dir, basename(path)));
      writeFileSync(join(dir, basename(sandboxd)), UNDER_FILTER.replace("PROGRAM", JSON.stringify(sandboxd)), {
        mode: 0o755,
      });
      return { THAW_BINARIES: dir };
    },
  ],
];

it.for(CASES)("answers clearly on a host %s", async ([, reason, envOf], { expect }) => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-binaries-"));
  chmodSync(dir, 0o755);
  const server = await startThaw({ env: envOf(dir) });
  try {
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(QUICK);
    await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    const failed = await functions.eventually("Failed", async () => {
      const now = await functions.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: "1" }),
      );
      return now.State === "Failed" && now;
    });
    expect(failed.StateReason).toMatch(reason);
    expect((await functions.invoke(name)).payload).toBe("quick");
  } finally {
    await server.remove();
    rmSync(dir, { recursive: true });
  }
});

function flipBit(file: string): void {
  const fd = openSync(file, "r+");
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, 100);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(fd, byte, 0, 1, 100);
  closeSync(fd);
}
