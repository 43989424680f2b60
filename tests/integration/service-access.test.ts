/** Functions that call the services of this server, and those that may not (`--allow-services`). */
import { spawnSync } from "node:child_process";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, describe, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";

const LATEST = "$LATEST";
const OTHER = "222222222222";
/** Calls an operation by boto3, connects to a port of the host, or asks for a path; answers with what came of it. */
const PYTHON = `import http.client, os, socket
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    if "call" in event:
        service, operation, arguments = event["call"]
        try:
            answer = getattr(boto3.client(service, **event.get("keys", {})), operation)(**arguments)
        except ClientError as error:
            return error.response["Error"]
        return {name: answer[name] for name in event.get("wanted", [])}
    if "connect" in event:
        try:
            socket.create_connection(("169.254.76.2", event["connect"]), 2).close()
        except OSError:
            return "closed"
        return "open"
    if "get" in event:
        connection = http.client.HTTPConnection("169.254.76.2", timeout=10)
        connection.request("GET", event["get"])
        return connection.getresponse().status
    return os.environ.get("AWS_ENDPOINT_URL")
`;
const NODE = `
import { GetObjectCommand, CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
export const handler = async ({ Bucket, FunctionName }) => {
  const s3 = new S3Client();
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "a key", Body: "kept" }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "a key" }));
  const { Payload } = await new LambdaClient().send(new InvokeCommand({ FunctionName, Payload: "{}" }));
  return [await Body.transformToString(), JSON.parse(Buffer.from(Payload).toString())];
};`;

let server: ThawServer;
let home: TestFunctions;
let other: TestFunctions;

beforeAll(async () => {
  const named = ["shop-*", "node", `${OTHER}:shop-*`].flatMap((name) => ["--allow-services", name]);
  server = await startThaw({ args: named });
  home = new TestFunctions(server);
  const added = spawnSync(process.execPath, [CLI, "--json", "accounts", "add", OTHER], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...server.env, THAW_DATA: server.dataDir },
  });
  if (added.status !== 0) throw new Error(added.stderr);
  const keys = JSON.parse(added.stdout) as { readonly accessKeyId: string; readonly secretAccessKey: string };
  const own = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  other = new TestFunctions({ ...server, env: { ...server.env, ...own } });
  const python = { Runtime: "python3.13" as const, Timeout: 120 };
  const files = { "index.py": PYTHON };
  await home.createSnapStart(files, { ...python, FunctionName: "shop-a" });
  await home.createSnapStart(files, { ...python, FunctionName: "plain" });
  await home.create({ "index.mjs": NODE }, { FunctionName: "node", Timeout: 120 });
  await other.create(files, { ...python, FunctionName: "shop-a" });
  await other.create(files, { ...python, FunctionName: "node" });
  await Promise.all(["shop-a", "plain"].map((name) => home.publish(name)));
}, 180_000);

afterAll(async () => {
  await server?.remove();
});

async function ask(from: TestFunctions, name: string, event: object, qualifier = LATEST): Promise<unknown> {
  const answer = await from.invoke(name, event, qualifier);
  if (answer.functionError !== undefined) throw new Error(JSON.stringify(answer));
  return answer.payload;
}

describe.for([LATEST, "1"])("a function that is named (%s)", (qualifier) => {
  it("calls services by boto3 without an endpoint of its own", async ({ expect }) => {
    const Name = `/by/${qualifier.replace("$", "")}`;
    const put = ["ssm", "put_parameter", { Name, Value: "kept", Type: "String" }];
    expect(await ask(home, "shop-a", { call: put, wanted: ["Version"] }, qualifier)).toEqual({ Version: 1 });
    const who = { call: ["sts", "get_caller_identity", {}], wanted: ["Arn"] };
    expect(await ask(home, "shop-a", who, qualifier)).toEqual({
      Arn: "arn:aws:sts::000000000000:assumed-role/test/shop-a",
    });
  });

  it("finds AWS's services there and nothing of Thaw's own", async ({ expect }) => {
    for (const get of ["/_thaw/v1/health", "/healthz/live", "/_thaw/console/"]) {
      expect((await fetch(`${server.endpoint}${get}`)).status, get).toBe(200);
      expect(await ask(home, "shop-a", { get }, qualifier), get).toBeGreaterThanOrEqual(400);
    }
  });
});

it("Node.js's clients find S3 and Lambda", async ({ expect }) => {
  const event = { Bucket: "made-by-a-function", FunctionName: "shop-a" };
  expect(await ask(home, "node", event)).toEqual(["kept", "http://169.254.76.2"]);
});

it.for([LATEST, "1"])("a function that is not named reaches nothing (%s)", async (qualifier, { expect }) => {
  expect(await ask(home, "plain", {}, qualifier)).toBe(null);
  expect(await ask(home, "plain", { connect: 80 }, qualifier)).toBe("closed");
  expect(await ask(home, "shop-a", { connect: 80 }, qualifier)).toBe("open");
});

it("a name of one account is not that of another", async ({ expect }) => {
  expect(await ask(other, "node", { connect: 80 })).toBe("closed");
});

it("a function of another account has what is its own, and nothing of this one", async ({ expect }) => {
  await ask(home, "shop-a", { call: ["ssm", "put_parameter", { Name: "/of/home", Value: "x", Type: "String" }] });
  expect(await ask(other, "shop-a", { call: ["ssm", "get_parameter", { Name: "/of/home" }] })).toMatchObject({
    Code: "ParameterNotFound",
  });
  const FunctionName = "arn:aws:lambda:us-east-1:000000000000:function:shop-a";
  for (const operation of ["invoke", "get_function"])
    expect(await ask(other, "shop-a", { call: ["lambda", operation, { FunctionName }] }), operation).toMatchObject({
      Code: "AccessDeniedException",
    });
  const removal = { call: ["lambda", "delete_function", { FunctionName }] };
  expect(await ask(other, "shop-a", removal)).toMatchObject({ Code: expect.any(String) });
  await home.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: "shop-a" }));
});

it("keys that are no function's are refused with the reason", async ({ expect }) => {
  const keys = {
    aws_access_key_id: server.env["AWS_ACCESS_KEY_ID"],
    aws_secret_access_key: server.env["AWS_SECRET_ACCESS_KEY"],
  };
  expect(await ask(home, "shop-a", { call: ["lambda", "list_functions", {}], keys })).toMatchObject({
    Code: "AccessDeniedException",
    Message: expect.stringContaining("the credentials of their environment"),
  });
});
