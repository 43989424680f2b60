/**
 * No other user of the host reads what functions and their callers keep, also where an earlier version had left it
 * open.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { it } from "vitest";
import { startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";

const NEEDLE = "needle-in-a-variable";
const KEYS = { AWS_ACCESS_KEY_ID: "AKIATESTDATADIRECTRY", AWS_SECRET_ACCESS_KEY: "secret" };
const SOURCE = {
  "lib/deep/name.mjs": "export const name = process.env.NEEDLE;\n",
  "index.mjs":
    "import { name } from './lib/deep/name.mjs'; export const handler = async (event) => { console.log(name, event.text); return name; };\n",
};

/** What a user finds in a directory: what `find` and `grep` print. */
function lookAs(uid: number, gid: number, directory: string): string {
  const words = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups", "--inh-caps=-all"];
  return spawnSync("setpriv", [...words, "sh", "-c", 'find "$0" -mindepth 1; grep -rl needle "$0"', directory], {
    encoding: "utf8",
  }).stdout;
}

it("closes the data directory to nobody and to the pager's user, and functions still run from it", async ({
  expect,
}) => {
  const dataDir = mkdtempSync(join(tmpdir(), "thaw-data-"));
  mkdirSync(join(dataDir, "logs"));
  writeFileSync(join(dataDir, "logs/old"), "needle");
  for (const path of ["logs", "logs/old"]) chownSync(join(dataDir, path), 64_321, 64_321);
  chmodSync(dataDir, 0o755);
  expect(lookAs(65_534, 65_534, dataDir)).toContain("logs/old");
  const server = await startThaw({ previous: { dataDir, env: KEYS } });
  try {
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(SOURCE, { Environment: { Variables: { NEEDLE } } });
    const version = await functions.publish(name);
    await functions.lambda.send(
      new InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: Buffer.from('{"text":"needle"}') }),
    );
    // Read by the function's user and, page by page, by the pager.
    expect(await functions.invoke(name, { text: "x" }, version)).toMatchObject({ payload: NEEDLE });
    expect((await functions.invoke(name, { text: "x" })).payload).toBe(NEEDLE);
    for (const [uid, gid] of [
      [65_534, 65_534],
      [64_322, 64_321],
    ] as const)
      expect(lookAs(uid, gid, dataDir)).toBe("");
    const modes = ["", "thaw.db", "thaw.db-wal", "logs.db", "logs", "packages", "code"].map((each) =>
      (statSync(join(dataDir, each)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(["700", "600", "600", "600", "700", "700", "700"]);
  } finally {
    await server.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
