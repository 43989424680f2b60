/** S3 on a real server: boto3 and the AWS CLI, code of functions out of it, and what a crash leaves. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { signRequest } from "@thaw/aws-api";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
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

/** Sends the head of a signed PUT and `bytes` of its content, whose end never comes. */
function sendHalf({ endpoint, env }: ThawServer, target: string, bytes: number, announced: number): void {
  const { hostname, port, host } = new URL(endpoint);
  const [path = "", query = ""] = target.split("?");
  const headers = { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "content-length": String(announced) };
  const credentials = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  const head = { method: "PUT", path, query, headers, body: Buffer.alloc(0) };
  const signed = signRequest(head, credentials, "us-east-1", Date.now(), "s3");
  const sent = request({ hostname, port, method: "PUT", path: target, headers: signed });
  sent.on("error", () => undefined);
  sent.write(Buffer.alloc(bytes, "x"));
}

it("SIGKILL in the middle of uploads leaves nothing half, and nothing behind", async () => {
  let own = await startThaw({ args: ["--pool", "0"] });
  onTestFinished(() => own.remove());
  const content = join(own.dataDir, "objects/content");
  const files = (): readonly string[] =>
    readdirSync(content, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  // One that is not there any more has no size.
  const sizes = (): number =>
    files().reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  const clientOf = ({ endpoint, env }: ThawServer): S3Client => {
    const credentials = {
      accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
    const made = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
    onTestFinished(() => made.destroy());
    return made;
  };
  const first = clientOf(own);
  await first.send(new CreateBucketCommand({ Bucket: "half" }));
  await first.send(new PutObjectCommand({ Bucket: "half", Key: "whole", Body: "as it was" }));
  const { UploadId = "" } = await first.send(new CreateMultipartUploadCommand({ Bucket: "half", Key: "long" }));
  const before = files();
  sendHalf(own, "/half/whole", 4 * MIB, 8 * MIB);
  sendHalf(own, "/half/new", 4 * MIB, 8 * MIB);
  sendHalf(own, `/half/long?partNumber=1&uploadId=${UploadId}`, 4 * MIB, 8 * MIB);
  while (sizes() < 12 * MIB) await new Promise((resolve) => void setImmediate(resolve));
  expect(files()).toHaveLength(before.length + 3);
  await own.kill("launcher");

  own = await startThaw({ args: ["--pool", "0"], previous: own });
  const second = clientOf(own);
  const got = await second.send(new GetObjectCommand({ Bucket: "half", Key: "whole" }));
  expect(await got.Body?.transformToString()).toBe("as it was");
  const { Contents } = await second.send(new ListObjectsV2Command({ Bucket: "half" }));
  expect(Contents?.map(({ Key }) => Key)).toEqual(["whole"]);
  const { Uploads } = await second.send(new ListMultipartUploadsCommand({ Bucket: "half" }));
  expect(Uploads?.map((upload) => upload.UploadId)).toEqual([UploadId]);
  const { Parts = [] } = await second.send(new ListPartsCommand({ Bucket: "half", Key: "long", UploadId }));
  expect(Parts).toEqual([]);
  while (files().length > before.length) await new Promise((resolve) => void setImmediate(resolve));
  expect(files()).toEqual(before);
});
