// alone: a function takes the whole host, and a deadline runs
/**
 * A snapshot's life on the real engine: expiry seen by the AWS CLI and the SDK, refresh beside the old runtime,
 * provisioned concurrency, storage.
 */
import { partsOf, thawHomeOf } from "@thaw/installation";
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  GetProvisionedConcurrencyConfigCommand,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  SnapStartNotReadyException,
  SnapStartRegenerationFailureException,
} from "@aws-sdk/client-lambda";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { it, onTestFinished } from "vitest";
import { REPOSITORY, startThaw, type ThawServer, type ThawServerOptions } from "../../tools/thaw-server.ts";
import { ACCESS_POINT } from "../support/access-point.ts";
import { runThaw } from "../support/cli.ts";
import { Gate, GATE_CODE } from "../support/gate.ts";
import { type Invoked, TestFunctions } from "../support/functions.ts";

const QUICK = { "index.mjs": "export const handler = async () => process.version;\n" };
/** Longer than it takes on a busy machine to see that a version has just become Active. */
const IDLE = "10s";
const AWS = join(REPOSITORY, ".thaw/aws-clients/bin/aws");
const run = promisify(execFile);

async function withServer(
  options: ThawServerOptions,
  test: (server: ThawServer, functions: TestFunctions) => Promise<void>,
): Promise<void> {
  const server = await startThaw(options);
  try {
    await test(server, new TestFunctions(server));
  } finally {
    await server.remove();
  }
}

/** With a server whose functions may wait at a gate. */
async function withGate(
  args: readonly string[],
  test: (functions: TestFunctions, gate: Gate) => Promise<void>,
): Promise<void> {
  const gate = new Gate();
  try {
    await withServer({ args: [...args, ...gate.args] }, async (_server, functions) => {
      // What failed before it was opened must not hold up the server's end.
      await test(functions, gate).finally(() => gate.open("end"));
    });
  } finally {
    gate.remove();
  }
}

/**
 * Invokes a version that is idle after some seconds: on a busy machine those may have passed before the invoke comes.
 * Then the snapshot is made anew first.
 */
function invokeReady(functions: TestFunctions, name: string, version: string): Promise<Invoked> {
  return functions.eventually(`${name}:${version} is ready`, async () =>
    functions
      .invoke(name, {}, version)
      .catch((error: unknown) => (error instanceof SnapStartNotReadyException ? null : Promise.reject(error))),
  );
}

function snapshotsOf(server: ThawServer): readonly string[] {
  return readdirSync(join(server.dataDir, "snapshots")).filter((name) => name.startsWith("snap-"));
}

async function stateOf(functions: TestFunctions, name: string, version: string): Promise<string> {
  return (
    (await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version })))
      .State ?? ""
  );
}

it("a version that is not invoked becomes Inactive; CLI and SDK see SnapStartNotReadyException, then it works again", async ({
  expect,
}) => {
  await withServer({ args: ["--snapshot-idle", IDLE] }, async (server, functions) => {
    const name = await functions.createSnapStart(QUICK);
    const version = await functions.publish(name);
    expect((await invokeReady(functions, name, version)).log).toContain("Restore Duration");
    const inactive = await functions.eventually("Inactive", async () => {
      const now = await functions.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }),
      );
      return now.State === "Inactive" && now;
    });
    expect(inactive).toMatchObject({
      StateReasonCode: "Idle",
      SnapStart: { ApplyOn: "PublishedVersions", OptimizationStatus: "Off" },
    });
    await functions.eventually("no snapshot on disk", async () => snapshotsOf(server).length === 0);
    const env = { ...process.env, ...server.env };
    const cli = ["lambda", "invoke", "--function-name", name, "--qualifier", version, "/dev/null"];
    await expect(run(AWS, cli, { env })).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /SnapStartNotReadyException.*Lambda is initializing your function\. It will be ready to invoke once your function state becomes ACTIVE\./s,
      ),
    });
    await functions.eventually("Active again", async () => (await stateOf(functions, name, version)) === "Active");
    expect((await invokeReady(functions, name, version)).log).toContain("Restore Duration");
    await functions.eventually("Inactive again", async () => (await stateOf(functions, name, version)) === "Inactive");
    await expect(functions.invoke(name, {}, version)).rejects.toBeInstanceOf(SnapStartNotReadyException);
  });
});

it("an update of the runtime refreshes in the background, beside the old one, without a failed invoke", async ({
  expect,
}) => {
  const home = mkdtempSync(join(tmpdir(), "thaw-home-"));
  try {
    chmodSync(home, 0o755);
    const node = join(thawHomeOf(process.env), "runtimes/nodejs24/bin/node");
    mkdirSync(join(home, "runtimes/nodejs24/bin"), { recursive: true });
    cpSync(node, join(home, "runtimes/nodejs24/bin/node"), { preserveTimestamps: true });
    const env = { THAW_HOME: home, THAW_CRIU: partsOf(process.env).criu };
    await withServer({ env, args: ["--snapshot-idle", "20s"] }, async (server, functions) => {
      const name = await functions.createSnapStart(QUICK);
      const second = await functions.createSnapStart(QUICK);
      const version = await functions.publish(name);
      const other = await functions.publish(second);
      const [before] = await snapshotRows(functions, name);
      const thaw = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await runThaw(args, { ...server.env, THAW_HOME: home });
        expect(code, stderr).toBe(0);
        return stdout;
      };
      // Its environment has the old release for as long as nobody stops it; the snapshots may have another one soon.
      await functions.invoke(second);
      const invokes: Array<Promise<unknown>> = [];
      // A file of another size and time: another release, though the same program.
      mkdirSync(join(home, "runtimes/nodejs24.r1/bin"), { recursive: true });
      cpSync(node, join(home, "runtimes/nodejs24.r1/bin/node"));
      expect(await thaw("runtimes", "prune", "--dry-run")).toMatch(
        /^nodejs24 +nodejs24\.x +needed by [012] snapshots? and [1-9] environments?$/m,
      );
      const refreshed = await functions.eventually("a new snapshot", async () => {
        // The other one, too: what nobody invokes for twenty seconds has no snapshot in the end.
        invokes.push(functions.invoke(name, {}, version), functions.invoke(second, {}, other));
        await Promise.all(invokes.slice(-2));
        await functions.stopEnvironments(name);
        const [now] = await snapshotRows(functions, name);
        return now?.snapshotId !== before?.snapshotId && now;
      });
      expect(refreshed).toMatchObject({ status: "ready" });
      expect(refreshed.runtimeFingerprint).not.toBe(before?.runtimeFingerprint);
      expect((await Promise.all(invokes)).length).toBeGreaterThan(0);
      await functions.eventually(
        "the old release is needed no more",
        async () => (await allRows(functions)).every((row) => row.status === "ready"),
        60_000,
      );
      await functions.invoke(second, {}, other);
      await functions.stopEnvironments(second);
      mkdirSync(join(home, "runtimes/nodejs22.removed"));
      expect(await thaw("runtimes", "prune")).toMatch(
        /^nodejs24\.r1 +nodejs24\.x +newest\nnodejs24 +nodejs24\.x +removed$/m,
      );
      expect(readdirSync(join(home, "runtimes"))).toEqual(["nodejs24.r1"]);
      expect((await functions.invoke(name, {}, version)).payload).toMatch(/^v24/);
      expect(snapshotsOf(server)).toHaveLength(2);
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

it("an Init that fails when the snapshot has to be made anew is SnapStartRegenerationFailureException, and Inactive", async ({
  expect,
}) => {
  // Init asks it: the first one of the version is told that it is in time.
  let isLate = false;
  const oracle = createServer((_request, answer) => answer.writeHead(isLate ? 410 : 200).end()).listen(0, "127.0.0.1");
  onTestFinished(() => void oracle.close());
  await once(oracle, "listening");
  const { port } = oracle.address() as AddressInfo;
  const args = ["--snapshot-idle", IDLE, "--allow-host", `127.0.0.1:${port}`];
  await withServer({ args }, async (server, functions) => {
    const name = await functions.createSnapStart({
      "index.mjs": `import { get } from "node:http";
const ask = (next) => get({ host: "host.thaw.internal", port: ${port}, agent: false }, (answer) => next(answer.resume().statusCode));
if ((await new Promise(ask)) !== 200) throw new Error("too late");
export const handler = async () => 1;
`,
    });
    const version = await functions.publish(name);
    isLate = true;
    await functions.eventually("Inactive", async () => (await stateOf(functions, name, version)) === "Inactive");
    await expect(functions.invoke(name, {}, version)).rejects.toBeInstanceOf(SnapStartNotReadyException);
    const failed = await functions.eventually("Inactive for its Init", async () => {
      const now = await functions.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }),
      );
      return now.State === "Inactive" && now;
    });
    expect(failed.StateReasonCode).toBe("FunctionError");
    await expect(functions.invoke(name, {}, version)).rejects.toBeInstanceOf(SnapStartRegenerationFailureException);
    const cli = run(AWS, ["lambda", "invoke", "--function-name", name, "--qualifier", version, "/dev/null"], {
      env: { ...process.env, ...server.env },
    });
    await expect(cli).rejects.toMatchObject({
      stderr: expect.stringContaining("SnapStartRegenerationFailureException"),
    });
  });
});

it("provisioned concurrency: initialised ahead, told to the function, spilling over", async ({ expect }) => {
  await withGate([], async (functions, gate) => {
    const code = `${GATE_CODE}
export const handler = async () => { await opened("end"); return process.env.AWS_LAMBDA_INITIALIZATION_TYPE; };`;
    const name = await functions.create({ "index.mjs": code }, gate.options);
    const { Version } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    await functions.eventually("Active", async () => (await stateOf(functions, name, Version ?? "")) === "Active");
    const wanted = { FunctionName: name, Qualifier: Version };
    const put = await functions.lambda.send(
      new PutProvisionedConcurrencyConfigCommand({ ...wanted, ProvisionedConcurrentExecutions: 2 }),
    );
    expect(put).toMatchObject({ RequestedProvisionedConcurrentExecutions: 2, Status: "IN_PROGRESS" });
    const ready = await functions.eventually("READY", async () => {
      const now = await functions.lambda.send(new GetProvisionedConcurrencyConfigCommand(wanted));
      return now.Status === "READY" && now;
    });
    expect(ready).toMatchObject({
      AllocatedProvisionedConcurrentExecutions: 2,
      AvailableProvisionedConcurrentExecutions: 2,
    });
    expect(await functions.environments(name)).toHaveLength(2);
    const invokes = Promise.all([1, 2, 3].map(() => functions.invoke(name, {}, Version)));
    await functions.eventually("all three at once", async () => {
      const environments = await functions.environments(name);
      return environments.filter(({ state }) => state === "invoking").length === 3;
    });
    gate.open("end");
    const answers = await invokes;
    expect(answers.map((answer) => String(answer.payload)).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "on-demand",
      "provisioned-concurrency",
      "provisioned-concurrency",
    ]);
    expect(answers.find((answer) => answer.payload === "provisioned-concurrency")?.log).not.toContain("Init Duration");
    expect(
      (await functions.logs(name)).filter((event) => event.message.startsWith("INIT_REPORT Init Duration")),
    ).toHaveLength(2);
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
    await functions.eventually("no environment", async () => (await functions.environments(name)).length === 0);
  });
});

it("a function that wants the whole host leaves room for its neighbour", async ({ expect }) => {
  await withGate(["--environments-max", "5"], async (functions, gate) => {
    const code = `${GATE_CODE}\nexport const handler = () => opened("end");`;
    const noisy = await functions.create({ "index.mjs": code }, gate.options);
    const quiet = await functions.createSnapStart(QUICK);
    const version = await functions.publish(quiet);
    const refused: unknown[] = [];
    const flood = Array.from({ length: 20 }, () =>
      functions.invoke(noisy).catch((error: unknown) => void refused.push(error)),
    );
    await functions.eventually("its share", async () => (await functions.environments(noisy)).length === 4);
    expect((await functions.invoke(quiet, {}, version)).payload).toMatch(/^v24/);
    await functions.eventually("all others are refused", async () => refused.length === 16);
    gate.open("end");
    await Promise.all(flood);
    expect(refused.length).toBe(16);
    for (const reason of refused)
      expect(reason).toMatchObject({ name: "TooManyRequestsException", Reason: "ConcurrentInvocationLimitExceeded" });
  });
});

it("a mapped directory is read and written by functions, and only by those that name it", async ({ expect }) => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-files-"));
  chmodSync(dir, 0o1777);
  writeFileSync(join(dir, "given.txt"), "from the host");
  try {
    await withServer({ args: ["--file-system", `${ACCESS_POINT}=${dir}`] }, async (_server, functions) => {
      const files = {
        "index.mjs": `import fs from "node:fs";
export const handler = async (event) => {
  if (event.list) return fs.readdirSync("/mnt");
  fs.writeFileSync("/mnt/data/written.txt", "from the function");
  let outside = "no error";
  try { fs.writeFileSync("/mnt/other.txt", "x"); } catch (error) { outside = error.code; }
  return [fs.readFileSync("/mnt/data/given.txt", "utf8"), outside];
};
`,
      };
      const name = await functions.create(files, {
        FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/data" }],
      });
      expect((await functions.invoke(name)).payload).toEqual(["from the host", "EROFS"]);
      expect(readFileSync(join(dir, "written.txt"), "utf8")).toBe("from the function");
      const other = await functions.create(files);
      expect((await functions.invoke(other, { list: true })).payload).toEqual([]);
      const missing = functions.create(files, {
        FileSystemConfigs: [{ Arn: ACCESS_POINT.replace("fsap-0", "fsap-1"), LocalMountPath: "/mnt/data" }],
      });
      await expect(missing).rejects.toMatchObject({
        name: "InvalidParameterValueException",
        message: expect.stringContaining("--file-system"),
      });
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

it("ephemeral storage is as large as it was asked for, and not larger; also in a snapshot", async ({ expect }) => {
  await withServer({}, async (_server, functions) => {
    const files = {
      "index.mjs": `import fs from "node:fs";
export const handler = async () => {
  const file = fs.openSync("/tmp/fill", "w"), piece = Buffer.alloc(1 << 20, 1);
  let mib = 0;
  try { for (; mib < 2000; mib++) fs.writeSync(file, piece); } catch (error) { return [error.code, mib]; } finally { fs.closeSync(file); fs.rmSync("/tmp/fill"); }
  return ["full", mib];
};
`,
    };
    const options = { EphemeralStorage: { Size: 700 }, Timeout: 60, MemorySize: 1024 };
    const name = await functions.createSnapStart(files, options);
    const version = await functions.publish(name);
    for (const qualifier of [undefined, version]) {
      const [code, mib] = (await functions.invoke(name, {}, qualifier)).payload as [string, number];
      expect(code).toBe("ENOSPC");
      expect(mib).toBeGreaterThan(650);
      expect(mib).toBeLessThanOrEqual(715);
    }
    const large = await functions.create(
      {
        "index.mjs":
          "import fs from 'node:fs';\nexport const handler = async () => { const s = fs.statfsSync('/tmp'); return (s.blocks * s.bsize) / 2 ** 20; };\n",
      },
      { EphemeralStorage: { Size: 10_240 } },
    );
    expect((await functions.invoke(large)).payload).toBeGreaterThan(10_000);
    await expect(functions.create(files, { EphemeralStorage: { Size: 10_241 } })).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});

interface Row {
  readonly snapshotId: string;
  readonly functionName: string;
  readonly status: string;
  readonly runtimeFingerprint: string;
}

async function allRows(functions: TestFunctions): Promise<readonly Row[]> {
  return ((await (await functions.admin("GET", "snapshots")).json()) as { snapshots: readonly Row[] }).snapshots;
}

async function snapshotRows(functions: TestFunctions, name: string): Promise<readonly Row[]> {
  return (await allRows(functions)).filter((row) => row.functionName === name);
}
