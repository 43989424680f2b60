/** The examples of docs/guides/hooks.md as they stand there, and prime events in every runtime. */
import { readFileSync, mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { type Files, type TestFunctions } from "../support/functions.ts";
import { compileJava, jarFiles, jars } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

type Options = Partial<CreateFunctionCommandInput>;

const HOOKS_API = /^org-crac-/;

function example(language: string): string {
  const guide = readFileSync(join(REPOSITORY, "docs/guides/hooks.md"), "utf8");
  const code = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(guide)?.[1];
  if (code === undefined) throw new Error(`the guide has no example in ${language}`);
  return code;
}

/** With the hooks' API, which it brings along. */
function javaExample(name: string, code: string): Files {
  const dir = mkdtempSync(join(tmpdir(), "thaw-example-"));
  try {
    const path = join(dir, `${name}.java`);
    writeFileSync(path, code);
    return { ...compileJava(path, jars(HOOKS_API)), ...jarFiles(HOOKS_API) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function publishAndInvoke(files: Files, options: Options, event: unknown = {}): Promise<unknown> {
  const name = await functions.createSnapStart(files, options);
  const version = await functions.publish(name);
  const answer = await functions.invoke(name, event, version);
  if (answer.functionError !== undefined) throw new Error(`${JSON.stringify(answer.payload)}\n${answer.log}`);
  return answer.payload;
}

describe("examples of the guide", () => {
  const cases: ReadonlyArray<readonly [string, () => Files, Options]> = [
    [
      "java",
      () => javaExample("Orders", example("java")),
      { Runtime: "java17", Handler: "Orders::handleRequest", MemorySize: 512 },
    ],
    ["python", () => ({ "index.py": example("python") }), { Runtime: "python3.13" }],
    ["js", () => ({ "index.mjs": example("js") }), { Runtime: "nodejs24.x" }],
    ["sh", () => ({ bootstrap: example("sh") }), { Runtime: "provided.al2023" }],
  ];

  it.each(cases)("%s", async (_language, files, options) => {
    const answer = await publishAndInvoke(files(), options);
    if (answer !== "loaded before, restored and ready") throw new Error(JSON.stringify(answer));
  });
});

it("Node.js: generation() is another number in each clone, snapshot() tells the age, after-restore hooks are given it", async ({
  expect,
}) => {
  const code = `
    const { snapStart } = globalThis.awslambda;
    const seen = { init: snapStart.generation(), atInit: snapStart.snapshot() };
    snapStart.registerAfterRestore((snapshot) => { seen.hook = snapshot; });
    export const handler = async () => ({ ...seen, now: snapStart.generation(), again: snapStart.generation(), later: snapStart.snapshot() });`;
  const name = await functions.createSnapStart({ "index.mjs": code }, { Runtime: "nodejs24.x" });
  const version = await functions.publish(name);
  const ask = async (): Promise<Record<string, unknown>> =>
    (await functions.invoke(name, {}, version)).payload as Record<string, unknown>;
  const one = await ask();
  await functions.stopEnvironments(name);
  const two = await ask();
  expect(new Set([one["init"], one["now"], two["now"]]).size).toBe(3);
  for (const clone of [one, two]) {
    expect(clone["again"]).toBe(clone["now"]);
    expect(clone["atInit"]).toEqual({ snapshotId: null, takenAtMs: null, restoredAtMs: null, ageMs: null });
    const hook = clone["hook"] as { snapshotId: string; takenAtMs: number; restoredAtMs: number; ageMs: number };
    expect(hook.snapshotId).toMatch(/^snap-/);
    expect(hook.ageMs).toBeGreaterThanOrEqual(hook.restoredAtMs - hook.takenAtMs);
    expect(hook.ageMs).toBeLessThan(60_000);
    expect(clone["later"]).toMatchObject({ snapshotId: hook.snapshotId, takenAtMs: hook.takenAtMs });
  }
});

const PRIMED_JAVA = `
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.*;
import org.crac.Core;
import org.crac.Resource;
public class Primed implements RequestHandler<Map<String, Object>, List<String>> {
    private final List<String> seen = new ArrayList<>();
    private final Resource hook = new Resource() {
        public void beforeCheckpoint(org.crac.Context<? extends Resource> context) { seen.add("before"); }
        public void afterRestore(org.crac.Context<? extends Resource> context) { seen.add("after"); }
    };
    public Primed() { seen.add("init " + System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE")); Core.getGlobalContext().register(hook); }
    public List<String> handleRequest(Map<String, Object> event, Context context) {
        if (event.containsKey("fail")) throw new IllegalStateException("not now");
        seen.add("event " + event.get("n"));
        return seen;
    }
}`;
const PRIMED_PYTHON = `
import os
from snapshot_restore_py import register_after_restore, register_before_snapshot
seen = ["init " + os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
register_before_snapshot(lambda: seen.append("before"))
register_after_restore(lambda: seen.append("after"))
def handler(event, context):
    if "fail" in event:
        raise ValueError("not now")
    assert context.get_remaining_time_in_millis() > 0 and context.aws_request_id
    seen.append(f"event {event['n']}")
    return seen
`;
const PRIMED_NODE = `
const seen = ["init " + process.env.AWS_LAMBDA_INITIALIZATION_TYPE];
globalThis.awslambda.snapStart.registerBeforeSnapshot(() => void seen.push("before"));
globalThis.awslambda.snapStart.registerAfterRestore(() => void seen.push("after"));
export const handler = async (event, context) => {
  if (event.fail) throw new Error("not now");
  if (!(context.getRemainingTimeInMillis() > 0)) throw new Error("no time");
  seen.push("event " + event.n);
  return seen;
};
`;
const PRIMED_CUSTOM = `${readFileSync(join(REPOSITORY, "tests/engines/programs/runtime.py"), "utf8")}
seen = []
def check(event):
    seen.append(f"event {event.get('n', 'fail')}")
    return seen
serve(check, takes_event=True)
`;

describe("prime events", () => {
  const primes = JSON.stringify({ events: [{ n: 1 }, { fail: true }, { n: 2 }], times: 2 });
  const hooked = ["init snap-start", "event 1", "event 2", "event 1", "event 2", "before", "after", "event 9"];
  const cases: ReadonlyArray<readonly [string, () => Files, Options, readonly string[]]> = [
    [
      "java",
      () => javaExample("Primed", PRIMED_JAVA),
      { Runtime: "java17", Handler: "Primed::handleRequest", MemorySize: 512 },
      hooked,
    ],
    ["python", () => ({ "index.py": PRIMED_PYTHON }), { Runtime: "python3.13" }, hooked],
    ["node", () => ({ "index.mjs": PRIMED_NODE }), { Runtime: "nodejs24.x" }, hooked],
    [
      "custom",
      () => ({ bootstrap: PRIMED_CUSTOM }),
      { Runtime: "provided.al2023" },
      ["event 1", "event fail", "event 2", "event 1", "event fail", "event 2", "event 9"],
    ],
  ];

  it.each(cases)(
    "%s: before the hooks, through the handler that serves the requests",
    async (language, files, options, expected) => {
      const name = await functions.createSnapStart({ ...files(), "thaw.prime.json": primes }, options);
      const version = await functions.publish(name);
      const { payload } = await functions.invoke(name, { n: 9 }, version);
      if (JSON.stringify(payload) !== JSON.stringify(expected)) throw new Error(JSON.stringify(payload));
      const failures = (await functions.logs(name)).filter((line) => line.message.includes("A prime event failed"));
      if (language !== "custom" && failures.length !== 2) throw new Error(`${failures.length} failures in the log`);
      // $LATEST has no snapshot, and so no prime events.
      if (language !== "java") return;
      const { payload: plain } = await functions.invoke(name, { n: 9 });
      if (JSON.stringify(plain) !== '["init on-demand","event 9"]') throw new Error(JSON.stringify(plain));
    },
  );

  it("thaw deploy puts the events of the template into the package", async ({ expect }) => {
    const dir = mkdtempSync(join(tmpdir(), "thaw-prime-"));
    try {
      const properties = {
        Runtime: "nodejs24.x",
        Handler: "index.handler",
        CodeUri: "code",
        SnapStart: { ApplyOn: "PublishedVersions" },
      };
      const resource = {
        Type: "AWS::Serverless::Function",
        Metadata: { Thaw: { Prime: { Events: [{ n: 1 }], Times: 2 } } },
        Properties: { ...properties, FunctionName: "primed-by-template", AutoPublishAlias: "live" },
      };
      mkdirSync(join(dir, "code"));
      writeFileSync(join(dir, "code/index.mjs"), PRIMED_NODE);
      writeFileSync(
        join(dir, "template.json"),
        JSON.stringify({ Transform: "AWS::Serverless-2016-10-31", Resources: { Primed: resource } }),
      );
      const env = { ...process.env, ...functions.server.env };
      execFileSync(process.execPath, [CLI, "deploy", join(dir, "template.json")], { env, stdio: "pipe" });
      const { payload } = await functions.invoke("primed-by-template", { n: 9 }, "live");
      expect(payload).toEqual(["init snap-start", "event 1", "event 1", "before", "after", "event 9"]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("a file that can't be read is a line in the log", async ({ expect }) => {
    const name = await functions.createSnapStart(
      { "index.mjs": PRIMED_NODE, "thaw.prime.json": "{" },
      { Runtime: "nodejs24.x" },
    );
    await functions.publish(name);
    expect((await functions.logs(name)).some((line) => line.message.includes("thaw.prime.json can't be read"))).toBe(
      true,
    );
  });
});
