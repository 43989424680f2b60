// alone: mounts a small disk for a server's data, and fills it
/** A disk that functions and others fill: it is not promised twice, and what makes room works when it is full. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { type Outcome, program, PROVIDED } from "./harness.ts";

/** Room for two environments of 512 MiB, beside what is kept free. */
const DISK_MIB = 1400;
const KEEP_FREE_MIB = 100;

let dataDir: string;
let server: ThawServer;
let functions: TestFunctions;
/** A neighbour. Its environment is idle, and so makes room for another one. */
let other: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "thaw-hostile-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "thaw-hostile-disk", dataDir]);
  const env = { AWS_ACCESS_KEY_ID: "AKIADISK", AWS_SECRET_ACCESS_KEY: "disk-secret" };
  const args = ["--disk-free-min-mib", String(KEEP_FREE_MIB), "--pool", "0", "--parked-clones", "0"];
  server = await startThaw({ args, previous: { dataDir, env } });
  functions = new TestFunctions(server);
  other = await functions.create({ "index.mjs": "export const handler = async () => 'here';" });
  await answers();
});

afterAll(async () => {
  await server?.stop();
  execFileSync("umount", [dataDir]);
  rmdirSync(dataDir);
});

async function answers(): Promise<void> {
  const { payload } = await functions.invoke(other);
  if (payload !== "here") throw new Error(JSON.stringify(payload));
}

/** Takes all that is left of the disk. Returns how to give it back. */
function fill(): () => void {
  const path = join(dataDir, "filler");
  const file = openSync(path, "w");
  for (let size = 1 << 20; size >= 512; size /= 2) {
    try {
      while (writeSync(file, Buffer.alloc(size, 1)) === size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
  closeSync(file);
  return () => rmSync(path);
}

it.each(["fresh", "clone"])("what environments may write is not promised twice (%s)", async (kind) => {
  const name = await functions.createSnapStart({ bootstrap: program("exhaust") }, PROVIDED);
  const version = kind === "clone" ? await functions.publish(name) : undefined;
  const twoWork = async (): Promise<boolean> =>
    (await functions.environments(name)).filter(({ state }) => state === "invoking").length === 2;
  // On a busy machine the third may come when the two have ended: then they work again.
  const third = await functions.eventually("a third comes while two work", async () => {
    let isOver = false;
    const busy = Promise.all([0, 1].map(() => functions.invoke(name, { try: "cpu", seconds: 4 }, version))).finally(
      () => {
        isOver = true;
      },
    );
    await functions.eventually("two work", async () => isOver || (await twoWork()));
    const answer = await functions.invoke(name, { try: "oom_score_adj" }, version).catch((error: Error) => error.name);
    const isThird = await twoWork();
    for (const { payload } of await busy)
      if ((payload as Outcome).got !== "tired") throw new Error(JSON.stringify(payload));
    await functions.stopEnvironments(name);
    return isThird && { answer };
  });
  if (third.answer !== "TooManyRequestsException") throw new Error(JSON.stringify(third));
  const { payload } = await functions.invoke(name, { try: "oom_score_adj" }, version);
  if ((payload as Outcome).got === undefined) throw new Error(JSON.stringify(payload));
  await functions.stopEnvironments(name);
  await answers();
});

it("a function can be deleted when the disk is full, and the API says why others can't be made", async ({ expect }) => {
  const name = await functions.createSnapStart({ bootstrap: program("exhaust") }, PROVIDED);
  await functions.publish(name);
  const giveBack = fill();
  try {
    const refused = await functions.create({ bootstrap: program("exhaust") }, PROVIDED).catch((error: Error) => error);
    expect(refused).toMatchObject({
      name: "ServiceException",
      message: expect.stringMatching(/^The host's disk is full/),
    });
    const { $metadata } = await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
    expect($metadata.httpStatusCode).toBe(204);
  } finally {
    giveBack();
  }
  await answers();
  await functions.create({ bootstrap: program("exhaust") }, PROVIDED);
});
