/** S3 on a real server: boto3 and the AWS CLI, code of functions out of it, and what a crash leaves. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { zipOf } from "../support/functions.ts";

const run = promisify(execFile);
const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");
const CODE = { "index.mjs": "export const handler = async (event) => ({ hello: event.name });\n" };
const MIB = 2 ** 20;

let server: ThawServer;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-s3-clients-"));
  server = await startThaw();
  writeFileSync(join(scratch, "function.zip"), await zipOf(CODE));
});

afterAll(async () => {
  await server.remove();
  rmSync(scratch, { recursive: true });
});

it("boto3: transfers, paginators, links, and code of functions and layers", async () => {
  const script = join(REPOSITORY, "tests/integration/boto3_s3.py");
  const { stdout } = await run(join(CLIENTS, "python"), [script, join(scratch, "function.zip"), scratch], {
    env: { ...process.env, ...server.env },
  });
  expect(JSON.parse(stdout)).toEqual({
    left: 0,
    lists: [25, ["many/0/", "many/1/", "many/2/", "many/3/", "many/4/"]],
    links: [
      [true, 403],
      [false, 403],
    ],
    code: [
      "Mary",
      [
        "NoSuchVersion. S3 Error Message: The specified version does not exist.",
        "NoSuchKey. S3 Error Message: The specified key does not exist.",
        "NoSuchBucket. S3 Error Message: The specified bucket does not exist",
      ],
    ],
  });
});

it("AWS CLI: mb, cp, sync, ls, mv, presign, rb", async () => {
  const aws = async (...args: readonly string[]): Promise<string> =>
    (
      await run(join(CLIENTS, "aws"), ["s3", ...args], {
        env: { ...process.env, ...server.env, AWS_ENDPOINT_URL: server.endpoint },
      })
    ).stdout;
  const tree = join(scratch, "tree");
  mkdirSync(join(tree, "below"), { recursive: true });
  writeFileSync(join(tree, "one.txt"), "one");
  writeFileSync(join(tree, "below", "two.bin"), Buffer.alloc(9 * MIB, "2"));
  await aws("mb", "s3://from-cli");
  await aws("sync", tree, "s3://from-cli/tree", "--only-show-errors");
  expect(await aws("sync", tree, "s3://from-cli/tree")).toBe("");
  expect(await aws("ls", "s3://from-cli/tree/")).toMatch(/PRE below\/\n.* 3 one\.txt\n$/);
  expect(await aws("ls", "--recursive", "--summarize", "s3://from-cli")).toMatch(
    /Total Objects: 2\s+Total Size: 9437187/,
  );
  await aws("mv", "s3://from-cli/tree/one.txt", "s3://from-cli/moved.txt");
  await aws("sync", "s3://from-cli", join(scratch, "back"), "--only-show-errors");
  expect(readdirSync(join(scratch, "back"), { recursive: true, encoding: "utf8" }).toSorted()).toEqual([
    "moved.txt",
    "tree",
    "tree/below",
    "tree/below/two.bin",
  ]);
  expect(readFileSync(join(scratch, "back/tree/below/two.bin")).equals(Buffer.alloc(9 * MIB, "2"))).toBe(true);
  const link = (await aws("presign", "s3://from-cli/moved.txt")).trim();
  expect(await (await fetch(link)).text()).toBe("one");
  expect((await fetch(`${link.slice(0, -1)}${link.endsWith("0") ? 1 : 0}`)).status).toBe(403);
  await expect(aws("rb", "s3://from-cli")).rejects.toThrow("BucketNotEmpty");
  await aws("rb", "--force", "s3://from-cli");
  expect(await aws("ls")).not.toContain("from-cli");
});
