/** Code that no function has any more, on the real code directory: removed while the server runs. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCodeDirectory } from "@thaw/server/testing/store";
import { afterEach, beforeEach, expect, it } from "vitest";
import { zipOf } from "../support/functions.ts";
import { ALICE, HOME, ScopesHarness } from "./scopes-harness.ts";

const LIMIT = { timeout: 20_000 };
let dir: string;
let harness: ScopesHarness;
/** Three packages, by their number. */
let zips: readonly Buffer[];
/** Lets the invokes of the second package end. */
let release: () => void;

function codeName(at: number, account = HOME): string {
  const digest = createHash("sha256")
    .update(zips[at] ?? "")
    .digest();
  const name = account === HOME ? digest : createHash("sha256").update(`${account}\n`).update(digest).digest();
  return `code-${name.toString("hex").slice(0, 40)}`;
}

const here = (folder = "code"): readonly string[] => readdirSync(join(dir, folder)).toSorted();
const update = (account: string, at: number, more = {}): Promise<unknown> =>
  harness.call(account, "UpdateFunctionCode", { FunctionName: "f", ZipFile: zips[at], ...more });

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "thaw-unnamed-"));
  zips = await Promise.all([0, 1, 2].map((at) => zipOf({ file: String(at) })));
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const functions = {
    [codeName(0)]: { handle: () => "0" },
    [codeName(0, ALICE)]: { handle: () => "alice" },
    [codeName(1)]: { handle: () => gate.then(() => "1") },
    [codeName(2)]: { handle: () => "2" },
  };
  harness = await ScopesHarness.start(functions, await openCodeDirectory(dir, async () => undefined));
  for (const account of [HOME, ALICE])
    await harness.call(account, "CreateFunction", {
      FunctionName: "f",
      Role: `arn:aws:iam::${account}:role/test`,
      Runtime: "python3.13",
      Handler: "a.b",
      Code: { ZipFile: zips[0] },
    });
});
afterEach(async () => {
  release();
  await harness[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

it("goes with its zip when the function has other code, or was a dry run's; other accounts keep theirs", async () => {
  expect(await harness.invoke(HOME, "f")).toBe("0");
  await update(HOME, 1);
  await update(HOME, 2, { DryRun: true });
  const left = [codeName(1), codeName(0, ALICE)].toSorted();
  await expect.poll(() => here(), LIMIT).toEqual(left);
  await expect.poll(() => here("packages"), LIMIT).toEqual(left.map((name) => `${name}.zip`));
  expect(await harness.invoke(ALICE, "f")).toBe("alice");
  await harness.call(HOME, "DeleteFunction", { FunctionName: "f" });
  await expect.poll(() => here(), LIMIT).toEqual([codeName(0, ALICE)]);
});

it("stays while an invoke runs on it, and goes after that", async () => {
  await update(HOME, 1);
  const invoked = harness.invoke(HOME, "f");
  const { worker } = harness.life;
  const states = async (): Promise<readonly string[]> => (await worker.report()).environments.map(({ state }) => state);
  await expect.poll(states, LIMIT).toEqual(["invoking"]);
  await update(HOME, 2);
  // Old code that nobody runs has gone, so what is left was looked at, too.
  await expect.poll(() => here(), LIMIT).toEqual([codeName(1), codeName(2), codeName(0, ALICE)].toSorted());
  expect(await harness.invoke(HOME, "f")).toBe("2");
  release();
  expect(await invoked).toBe("1");
  await expect.poll(() => here(), LIMIT).toEqual([codeName(2), codeName(0, ALICE)].toSorted());
});
