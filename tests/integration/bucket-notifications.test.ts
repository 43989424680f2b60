/** Notifications of buckets on the real engine: a SAM template, the AWS CLI, boto3, a real queue, and a loop. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateStackCommand, DeleteStackCommand, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { AddPermissionCommand } from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { TestFunctions } from "../support/functions.ts";
import { MotoServer } from "../support/moto-server.ts";

const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");
const MIB = 2 ** 20;
/** Runs of one function in a chain: AWS says "approximately 16". */
const LOOPS = 16;
const JOBS = "arn:aws:sqs:us-east-1:000000000000:jobs";

let moto: MotoServer;
let sqs: SQSClient;
let server: ThawServer;
let functions: TestFunctions;
let s3: S3Client;
let scratch: string;
/** Where functions reach the server: its port is not known before it starts, and this one is. */
let relay: Server;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-notifications-"));
  moto = await MotoServer.start();
  relay = createServer((socket) => {
    const { hostname, port } = new URL(server.endpoint);
    const through = connect(Number(port), hostname);
    socket.pipe(through).pipe(socket);
    for (const each of [socket, through]) each.on("error", () => [socket, through].map((end) => end.destroy()));
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  server = await startThaw({ args: ["--aws-endpoint", `sqs=${moto.endpoint}`, "--allow-host", `127.0.0.1:${port}`] });
  functions = new TestFunctions(server);
  const [accessKeyId, secretAccessKey] = [
    server.env["AWS_ACCESS_KEY_ID"] ?? "",
    server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
  ];
  const credentials = { accessKeyId, secretAccessKey };
  s3 = new S3Client({ endpoint: server.endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  sqs = new SQSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials });
});

afterAll(async () => {
  s3?.destroy();
  sqs?.destroy();
  await server?.remove();
  relay?.close();
  await moto?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, ...server.env, AWS_ENDPOINT_URL: server.endpoint };
  return (await promisify(execFile)(join(CLIENTS, program), args, { env })).stdout;
}

/** Lines that a function printed, without what comes before `GOT `. */
async function printed(name: string): Promise<readonly string[]> {
  return (await functions.logs(name)).flatMap(({ message }) => message.split("GOT ")[1]?.trim() ?? []);
}

const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Uploads: { Type: AWS::S3::Bucket, Properties: { BucketName: uploads-of-stack } }
  Thumbnails:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs24.x
      InlineCode: |
        exports.handler = async ({ Records: [{ eventName, s3 }] }) => console.log("GOT " + eventName + " " + s3.object.key + " " + s3.object.size);
      Events:
        Upload:
          Type: S3
          Properties:
            Bucket: !Ref Uploads
            Events: s3:ObjectCreated:*
            Filter: { S3Key: { Rules: [{ Name: prefix, Value: in/ }, { Name: suffix, Value: .jpg }] } }
Outputs: { Name: { Value: !Ref Thumbnails } }
`;

it("a SAM template's function hears of what the AWS CLI and boto3 upload", async () => {
  const stacks = cloudFormationOf(server);
  const StackName = "uploads";
  const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
  await stacks.send(new CreateStackCommand({ StackName, Capabilities, TemplateBody: TEMPLATE }));
  const ended = (wanted: string) =>
    functions.eventually(wanted, async () => {
      const [stack] = (await stacks.send(new DescribeStacksCommand({ StackName }))).Stacks ?? [];
      if (stack?.StackStatus?.endsWith("IN_PROGRESS") === true) return false;
      expect(stack?.StackStatus, server.output()).toBe(wanted);
      return stack;
    });
  const { Outputs } = await ended("CREATE_COMPLETE");
  const name = Outputs?.[0]?.OutputValue ?? "";
  const file = join(scratch, "photo");
  writeFileSync(file, Buffer.alloc(9 * MIB, "x"));
  // More than 8 MiB come in parts.
  await run("aws", "s3", "cp", file, "s3://uploads-of-stack/in/large photo.jpg", "--only-show-errors");
  await run("aws", "s3", "cp", file, "s3://uploads-of-stack/out/no.jpg", "--only-show-errors");
  const script = `import boto3, os
s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
s3.put_object(Bucket="uploads-of-stack", Key="in/by boto3+ü.jpg", Body=b"abc")
s3.copy_object(Bucket="uploads-of-stack", Key="in/copy.jpg", CopySource="uploads-of-stack/in/by boto3+ü.jpg")
`;
  await run("python", "-c", script);
  const all = await functions.eventually("three uploads are heard of", async () => {
    const lines = await printed(name);
    return lines.length >= 3 && lines;
  });
  expect(new Set(all)).toEqual(
    new Set([
      `ObjectCreated:CompleteMultipartUpload in/large+photo.jpg ${9 * MIB}`,
      "ObjectCreated:Put in/by+boto3%2B%C3%BC.jpg 3",
      "ObjectCreated:Copy in/copy.jpg 3",
    ]),
  );
  await run("aws", "s3", "rm", "--recursive", "s3://uploads-of-stack", "--only-show-errors");
  await stacks.send(new DeleteStackCommand({ StackName }));
  await functions.eventually("the stack has gone", async () =>
    stacks.send(new DescribeStacksCommand({ StackName })).then(
      ({ Stacks }) => {
        expect(Stacks?.[0]?.StackStatus).toBe("DELETE_IN_PROGRESS");
        return false;
      },
      (error: Error) => /does not exist/.test(error.message),
    ),
  );
});

async function bucketFor(name: string, Bucket: string): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket }));
  const allowed = { Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", StatementId: "s3" };
  await functions.lambda.send(
    new AddPermissionCommand({ FunctionName: name, SourceArn: `arn:aws:s3:::${Bucket}`, ...allowed }),
  );
  const LambdaFunctionArn = `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
  const configuration = { LambdaFunctionArn, Events: ["s3:ObjectCreated:*" as const] };
  const NotificationConfiguration = { LambdaFunctionConfigurations: [configuration] };
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
}

it("a function that writes into its own bucket is stopped", async () => {
  const { port } = relay.address() as AddressInfo;
  const code = `import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
  const s3 = new S3Client({ endpoint: "http://host.thaw.internal:${port}", forcePathStyle: true });
  export const handler = async ({ Records: [{ s3: { bucket, object } }] }) => {
    console.log("GOT " + object.key);
    await s3.send(new PutObjectCommand({ Bucket: bucket.name, Key: object.key + "+", Body: "" }));
  };`;
  const name = await functions.create({ "index.mjs": code }, { Timeout: 120 });
  await bucketFor(name, "a-loop");
  await s3.send(new PutObjectCommand({ Bucket: "a-loop", Key: "k", Body: "" }));
  await functions.eventually("the loop is seen", async () => {
    await printed(name);
    return server.output().includes(`of ${name} is dropped`);
  });
  // Each of them printed before it wrote, and what was dropped is what the last one wrote. Its line has another way.
  await functions.eventually("all have printed", async () => (await printed(name)).length >= LOOPS);
  expect(await printed(name)).toHaveLength(LOOPS);
});

it("a real queue gets a test event, and then the record", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "jobs" }));
  const receive = (): Promise<string> =>
    functions.eventually("a message", async () => {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, VisibilityTimeout: 600 }),
      );
      return Messages?.[0]?.Body;
    });
  const Bucket = "for-a-queue";
  await s3.send(new CreateBucketCommand({ Bucket }));
  const configuration = { Id: "one", QueueArn: JOBS, Events: ["s3:ObjectCreated:Put" as const] };
  const NotificationConfiguration = { QueueConfigurations: [configuration] };
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  expect(JSON.parse(await receive())).toMatchObject({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket });
  await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "abc" }));
  expect(JSON.parse(await receive())).toMatchObject({
    Records: [{ eventName: "ObjectCreated:Put", s3: { configurationId: "one", object: { key: "k", size: 3 } } }],
  });
});
