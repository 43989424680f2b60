/** A backup of a server that works meanwhile, and another server that goes on from it. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { DeleteFunctionCommand, InvokeCommand, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";

const SOURCE = {
  "index.mjs":
    "const born = Math.random(); export const handler = async (event) => { await new Promise((next) => setTimeout(next, event.ms ?? 0)); return born; };",
};
const thaw = (...words: readonly string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8" });

const s3Of = ({ endpoint, env }: ThawServer): S3Client =>
  new S3Client({
    endpoint,
    region: "us-east-1",
    credentials: {
      accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  });

it("is consistent while functions come, go and run; what was published before it runs from it", async ({ expect }) => {
  const place = mkdtempSync(join(tmpdir(), "thaw-backup-"));
  const copy = join(place, "copy");
  const server = await startThaw();
  let other: ThawServer | null = null;
  try {
    const functions = new TestFunctions(server);
    const kept = await functions.createSnapStart(SOURCE, { FunctionName: "kept" });
    const version = await functions.publish(kept);
    const born = (await functions.invoke(kept, {}, version)).payload;
    await functions.lambda.send(
      new InvokeCommand({ FunctionName: kept, InvocationType: "Event", Payload: Buffer.from('{"ms":60000}') }),
    );
    let isOver = false;
    const churn = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const name = await functions.create({ "index.mjs": `export const handler = async () => ${n};` });
        await functions.invoke(name);
        await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
      }
    };
    const s3 = s3Of(server);
    await s3.send(new CreateBucketCommand({ Bucket: "kept" }));
    await s3.send(new PutObjectCommand({ Bucket: "kept", Key: "k", Body: "content" }));
    const churnObjects = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        await s3.send(new PutObjectCommand({ Bucket: "kept", Key: "other", Body: String(n) }));
        await s3.send(new DeleteObjectCommand({ Bucket: "kept", Key: "other" }));
      }
    };
    const churning = Promise.all([churn(), churnObjects()]);
    const child = spawn(process.execPath, [CLI, "backup", copy, "--data", server.dataDir], { stdio: "inherit" });
    const code = await new Promise((resolve) => child.once("exit", resolve));
    isOver = true;
    await churning;
    s3.destroy();
    expect(code).toBe(0);
    expect(statSync(copy).mode & 0o777).toBe(0o700);
    await server.stop();
    const dataDir = join(place, "data");
    execFileSync("chmod", ["755", place]);
    expect(thaw("restore", copy, "--data", dataDir)).toMatchObject({ status: 0 });
    expect([statSync(dataDir).mode & 0o777, statSync(join(copy, "thaw.db")).mode & 0o777]).toEqual([0o700, 0o600]);
    other = await startThaw({ previous: { ...server, dataDir } });
    const again = new TestFunctions(other);
    const s3Again = s3Of(other);
    const object = await s3Again.send(new GetObjectCommand({ Bucket: "kept", Key: "k" }));
    expect(await object.Body?.transformToString()).toBe("content");
    s3Again.destroy();
    const { Functions } = await again.lambda.send(new ListFunctionsCommand({}));
    expect(Functions?.map(({ FunctionName }) => FunctionName)).toContain("kept");
    const answer = await again.invoke(kept, {}, version);
    // Memory of the snapshot itself, not of another Init.
    expect(answer.payload).toBe(born);
    expect(answer.log).toContain("Restore Duration");
    for (const { FunctionName = "" } of Functions ?? [])
      expect((await again.invoke(FunctionName)).functionError).toBe(undefined);
  } finally {
    await other?.stop();
    await server.remove();
    rmSync(place, { recursive: true, force: true });
  }
});

it("refuses what is no backup, and a directory with data", ({ expect }) => {
  const place = mkdtempSync(join(tmpdir(), "thaw-backup-"));
  try {
    expect(thaw("restore", place, "--data", join(place, "data"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no whole backup"),
    });
    expect(thaw("backup", join(place, "copy"), "--data", place)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no data of Thaw"),
    });
    execFileSync("sh", [
      "-c",
      'mkdir "$1/b" "$1/d"; echo \'{"format":99}\' > "$1/b/thaw-backup.json"; touch "$1/d/x"',
      "sh",
      place,
    ]);
    expect(thaw("restore", join(place, "b"), "--data", join(place, "e"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("format 99"),
    });
    execFileSync("sh", ["-c", 'echo \'{"format":1}\' > "$1/b/thaw-backup.json"', "sh", place]);
    expect(thaw("restore", join(place, "b"), "--data", join(place, "d"))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("not empty"),
    });
    expect(existsSync(join(place, "e"))).toBe(false);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
