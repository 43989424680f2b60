import { expect, test } from "vitest";
import { ACTIVE_STATE, freshVersion, type FunctionRecord, type VersionRecord } from "../../model/function-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import { RunnableVersions } from "./runnable-version.ts";

const SCOPE = { accountId: "000000000000", region: "us-east-1" };
const OWNER: FunctionRecord = { name: "f", uid: 1, lastVersion: 1, tags: {}, reservedConcurrency: null };

function stored(revision: number, timeoutS = 3): Stored<VersionRecord> {
  const config = {
    runtime: "python3.13",
    role: "role",
    handler: "a.b",
    description: "",
    timeoutS,
    memorySizeMib: 128,
    environment: null,
    kmsKeyArn: null,
    tracingMode: "PassThrough",
    architectures: ["x86_64"],
    tmpSizeMib: 512,
    fileSystems: [],
    snapStartApplyOn: "None",
    logFormat: "Text",
    logGroup: "/aws/lambda/f",
    applicationLogLevel: null,
    systemLogLevel: null,
  } as const;
  const code = { codeName: "code", codeSha256: "sha", codeSizeBytes: 1 };
  const made = freshVersion({ functionName: "f", version: "1", config, code, lastModifiedMs: 0, revisionId: "r" });
  return { ...made, ...ACTIVE_STATE, revision };
}

test("a runnable version is worked out once for a revision of its record", () => {
  const runnables = new RunnableVersions(SCOPE);
  const first = runnables.of(OWNER, stored(1));
  expect(runnables.of(OWNER, stored(1))).toBe(first);
  const changed = runnables.of(OWNER, stored(2, 4));
  expect(changed).toMatchObject({ timeoutS: 4 });
  expect(changed.runKey).not.toBe(first.runKey);
});

test("a function that was made again under the same name is another one, whatever its revisions are", () => {
  const runnables = new RunnableVersions(SCOPE);
  const first = runnables.of(OWNER, stored(1));
  const again = runnables.of({ ...OWNER, uid: 2 }, stored(1));
  expect(again.uid).toBe(2);
  expect(again.runKey).not.toBe(first.runKey);
});
