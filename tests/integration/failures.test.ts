// alone: a fork bomb, and the host's limit of environments
/** Functions that misbehave: each ends with AWS's error and a server that goes on. */
import {
  CreateFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  CreateAliasCommand,
} from "@aws-sdk/client-lambda";
import { afterEach, describe, it } from "vitest";
import { startThaw } from "../../tools/thaw-server.ts";
import { inOwnClones } from "../support/clones.ts";
import { type Files, ROLE, TestFunctions, zipOf } from "../support/functions.ts";
import { Gate, GATE_CODE } from "../support/gate.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

// Whatever happened before: the next function works.
afterEach(async ({ expect }) => {
  const name = await functions.create({ "index.mjs": "export const handler = async () => 'fine';" });
  expect((await functions.invoke(name)).payload).toBe("fine");
});

const handler = (body: string, head = ""): Files => ({
  "index.mjs": `${head}\nexport const handler = async (event, context) => { ${body} };\n`,
});

async function publishFails(
  files: Files,
  options: Parameters<TestFunctions["create"]>[1] = {},
): Promise<{
  State?: string | undefined;
  StateReason?: string | undefined;
  StateReasonCode?: string | undefined;
  name: string;
  version: string;
}> {
  const name = await functions.createSnapStart(files, options);
  const { Version: version = "" } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  const failed = await functions.decided(name, version);
  return {
    State: failed.State,
    StateReason: failed.StateReason,
    StateReasonCode: failed.StateReasonCode,
    name,
    version,
  };
}

describe("Invoke", () => {
  it("reports what the handler throws, and keeps the environment", async ({ expect }) => {
    const name = await functions.create(handler('if (event.bad) throw new TypeError("no"); return process.pid;'));
    const bad = await functions.invoke(name, { bad: true });
    expect(bad).toMatchObject({
      status: 200,
      functionError: "Unhandled",
      payload: { errorType: "TypeError", errorMessage: "no" },
    });
    expect((await functions.invoke(name, {})).log).not.toContain("Init Duration");
  });

  it("ends a handler that never returns, with a new environment for the next", async ({ expect }) => {
    const name = await functions.create(
      handler("if (event.hang) await new Promise(() => setInterval(() => {}, 1000)); return 1;"),
      // After the reset, Init is a part of the next invoke, and of its time.
      { Timeout: 6 },
    );
    const hung = await functions.invoke(name, { hang: true });
    expect(hung.functionError).toBe("Unhandled");
    expect(hung.payload).toMatchObject({
      errorType: "Sandbox.Timedout",
      errorMessage: expect.stringMatching(/Task timed out after 6\.00 seconds/),
    });
    expect(hung.log).toContain("Status: timeout");
    expect((await functions.invoke(name)).payload).toBe(1);
  });

  it("reports a runtime that exits", async ({ expect }) => {
    const name = await functions.create(handler("if (event.exit) process.exit(3); return 1;"));
    expect(await functions.invoke(name, { exit: true })).toMatchObject({
      functionError: "Unhandled",
      payload: { errorType: "Runtime.ExitError", errorMessage: expect.stringContaining("exit status 3") },
    });
    expect((await functions.invoke(name)).payload).toBe(1);
  });

  it("ends a function that needs more memory than it has", async ({ expect }) => {
    const name = await functions.create(
      handler("const kept = []; if (event.eat) for (;;) kept.push(Buffer.alloc(8 << 20, 1)); return 1;"),
      {
        MemorySize: 128,
        Timeout: 120,
      },
    );
    expect(await functions.invoke(name, { eat: true })).toMatchObject({
      functionError: "Unhandled",
      payload: { errorType: "Runtime.OutOfMemory" },
    });
    expect((await functions.invoke(name)).payload).toBe(1);
  });

  it("refuses a response over 6 MB", async ({ expect }) => {
    const name = await functions.create(handler('return "x".repeat(event.size);'), { MemorySize: 512 });
    expect(await functions.invoke(name, { size: 6_300_000 })).toMatchObject({
      functionError: "Unhandled",
      payload: { errorType: "Function.ResponseSizeTooLarge" },
    });
    expect((await functions.invoke(name, { size: 1_000_000 })).payload).toHaveLength(1_000_000);
  });

  it("says that a handler does not exist", async ({ expect }) => {
    const name = await functions.create({ "index.mjs": "export const other = 1;" });
    expect(await functions.invoke(name)).toMatchObject({
      functionError: "Unhandled",
      payload: { errorType: "Runtime.HandlerNotFound" },
    });
  });

  it("contains a fork bomb", async ({ expect }) => {
    const bomb = "#!/bin/sh\nf() { f | f & }\nf\nsleep 60\n";
    const name = await functions.create({ bootstrap: bomb }, { Runtime: "provided.al2023", Handler: "x", Timeout: 2 });
    expect((await functions.invoke(name)).functionError).toBe("Unhandled");
  });

  it("keeps /tmp to its size", async ({ expect }) => {
    const body =
      'const fs = await import("node:fs"); try { for (let i = 0; ; i++) fs.writeFileSync("/tmp/f" + i, Buffer.alloc(16 << 20, 1)); } catch (error) { return error.code; }';
    const name = await functions.create(handler(body), { Timeout: 60, MemorySize: 1024 });
    expect(["ENOSPC", "EDQUOT"]).toContain((await functions.invoke(name)).payload);
  });

  it("drops what a function prints beyond its limit, and says so", async ({ expect }) => {
    const body =
      'const line = "x".repeat(1 << 16) + "\\n"; for (let i = 0; i < 2000; i++) if (!process.stdout.write(line)) await new Promise((next) => process.stdout.once("drain", next)); return "done";';
    const name = await functions.create(handler(body), { Timeout: 60, MemorySize: 512 });
    const flooded = await functions.invoke(name);
    expect(flooded.payload).toBe("done");
    expect(flooded.log).toContain("bytes of output were dropped");
  });

  it("is throttled at the host's limit", async ({ expect }) => {
    const gate = new Gate();
    const small = await startThaw({ args: ["--environments-max", "1", ...gate.args] });
    try {
      const own = new TestFunctions(small);
      const name = await own.create(handler('await opened("end"); return 1;', GATE_CODE), gate.options);
      const first = own.invoke(name);
      await own.eventually("busy", async () => (await own.environments(name)).some((each) => each.state !== "idle"));
      await expect(own.invoke(name)).rejects.toMatchObject({
        name: "TooManyRequestsException",
        Reason: "ConcurrentInvocationLimitExceeded",
      });
      gate.open("end");
      expect((await first).payload).toBe(1);
    } finally {
      gate.open("end");
      await small.remove();
      gate.remove();
    }
  });
});

describe("SnapStart", () => {
  const hooks = (before: string, after: string): Files =>
    handler(
      "return 1;",
      `const { registerBeforeSnapshot, registerAfterRestore } = globalThis.awslambda.snapStart;\nregisterBeforeSnapshot(async () => { ${before} });\nregisterAfterRestore(async () => { ${after} });`,
    );

  it("fails the version where Init throws", async ({ expect }) => {
    expect(await publishFails(handler("return 1;", 'throw new Error("at Init");'))).toMatchObject({
      State: "Failed",
      StateReasonCode: "FunctionError",
      StateReason: "An error occurred during function initialization.",
    });
  });

  it("fails the version where a before-snapshot hook throws, and refuses to point an alias at it", async ({
    expect,
  }) => {
    const failed = await publishFails(hooks('throw new Error("before");', ""));
    expect(failed).toMatchObject({ State: "Failed", StateReasonCode: "FunctionError" });
    const { lambda } = functions;
    await lambda.send(new CreateAliasCommand({ FunctionName: failed.name, Name: "live", FunctionVersion: "$LATEST" }));
    const update = new UpdateAliasCommand({ FunctionName: failed.name, Name: "live", FunctionVersion: failed.version });
    await expect(lambda.send(update)).rejects.toMatchObject({
      name: "ResourceConflictException",
      message: expect.stringContaining("state: 'Failed'. StateReasonCode: 'FunctionError'"),
    });
    await expect(functions.invoke(failed.name, {}, failed.version)).rejects.toMatchObject({
      name: "ResourceConflictException",
    });
    expect(
      (await functions.logs(failed.name)).some((event) => event.message.includes("Runtime.BeforeSnapshotError")),
    ).toBe(true);
  });

  it("answers SnapStartException where an after-restore hook throws", async ({ expect }) => {
    const name = await functions.createSnapStart(hooks("", 'throw new Error("after");'));
    const version = await functions.publish(name);
    await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({
      name: "SnapStartException",
      $metadata: { httpStatusCode: 400 },
    });
    expect(
      (await functions.logs(name)).some((event) =>
        /^RESTORE_REPORT .*Status: error\tError Type: Runtime\.AfterRestoreError/.test(event.message),
      ),
    ).toBe(true);
  });

  it("answers SnapStartTimeoutException where an after-restore hook hangs for 10 s", async ({ expect }) => {
    const name = await functions.createSnapStart(hooks("", "await new Promise((next) => setTimeout(next, 60_000));"));
    const version = await functions.publish(name);
    await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({
      name: "SnapStartTimeoutException",
      $metadata: { httpStatusCode: 408 },
    });
  });

  it("publishes two functions at the same time, and one version twice", async ({ expect }) => {
    const [first, second] = await Promise.all([
      functions.createSnapStart(handler("return 1;")),
      functions.createSnapStart(handler("return 2;")),
    ]);
    const versions = await Promise.all([functions.publish(first), functions.publish(second), functions.publish(first)]);
    expect(versions).toEqual(["1", "1", "1"]);
    expect((await functions.invoke(second, {}, "1")).payload).toBe(2);
  });

  it("gives the same clone state to all, and a /tmp of its own to each", async ({ expect }) => {
    const head =
      'import fs from "node:fs";\nfs.writeFileSync("/tmp/shared", "from Init");\nconst born = process.hrtime.bigint();';
    const name = await functions.createSnapStart(
      handler(
        'const seen = fs.readdirSync("/tmp").sort(); fs.writeFileSync("/tmp/mine-" + event.n, ""); await new Promise((next) => setTimeout(next, 1000)); return { seen, shared: fs.readFileSync("/tmp/shared", "utf8"), born: String(born), pid: process.pid };',
        head,
      ),
    );
    const version = await functions.publish(name);
    const answers = await inOwnClones(functions, name, 2, (n) => functions.invoke(name, { n }, version));
    const [one, two] = answers.map((each) => each.payload as Record<string, unknown>);
    expect(one).toMatchObject({ seen: ["shared"], shared: "from Init" });
    expect(two).toEqual(one);
  });
});

describe("Code", () => {
  const create = async (code: Buffer): Promise<unknown> =>
    functions.lambda.send(
      new CreateFunctionCommand({
        FunctionName: "refused",
        Role: ROLE,
        Runtime: "nodejs24.x",
        Handler: "index.handler",
        Code: { ZipFile: code },
      }),
    );

  it("refuses what is no zip", async ({ expect }) => {
    await expect(create(Buffer.from("not a zip"))).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining("Could not unzip uploaded file"),
    });
  });

  it("takes one package from many requests at once", async ({ expect }) => {
    const names = await Promise.all(
      Array.from({ length: 8 }, () => functions.create(handler("return 'one of many';"))),
    );
    expect((await functions.invoke(names[7] ?? "")).payload).toBe("one of many");
  });

  it("takes code from an object, and names one that is not there", async ({ expect }) => {
    const zip = await zipOf(handler("return 'from an object';"));
    expect((await functions.admin("PUT", "objects/my-bucket/code.zip", zip)).status).toBe(200);
    const common = {
      FunctionName: "from-object",
      Role: ROLE,
      Runtime: "nodejs24.x" as const,
      Handler: "index.handler",
    };
    await expect(
      functions.lambda.send(
        new CreateFunctionCommand({ ...common, Code: { S3Bucket: "my-bucket", S3Key: "none.zip" } }),
      ),
    ).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining("NoSuchKey"),
    });
    await functions.lambda.send(
      new CreateFunctionCommand({ ...common, Code: { S3Bucket: "my-bucket", S3Key: "code.zip" } }),
    );
    const answer = await functions.eventually("active", async () => functions.invoke("from-object").catch(() => null));
    expect(answer.payload).toBe("from an object");
  });
});
