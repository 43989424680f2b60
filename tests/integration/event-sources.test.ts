// matrix: a moto server with streams, clones, and a server that is killed
/** Event source mappings with AWS's clients, a real queue service and the real engine. */
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import {
  CreateAliasCommand,
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  GetFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ACCESS_POINT } from "../support/access-point.ts";
import { TestFunctions } from "../support/functions.ts";
import { TestQueues } from "../support/test-queues.ts";

const CODE = {
  "index.mjs": `export const handler = async ({ Records }) => ({
    batchItemFailures: Records.filter(({ body }) => body === "bad")
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  });`,
};
/**
 * The least that a queue's visibility timeout may be is the function's timeout. A message that is good may not become a
 * dead letter because the machine is busy: it is one after two of these. A bad one takes as long.
 */
const VISIBILITY_S = 20;

let queues: TestQueues;
let server: ThawServer;
let functions: TestFunctions;

beforeAll(async () => {
  queues = await TestQueues.start();
  server = await startThaw({
    args: ["--aws-endpoint", `sqs=${queues.moto.endpoint}`, "--metrics", "127.0.0.1:0"],
  });
  functions = new TestFunctions(server);
});
afterAll(async () => {
  await server?.remove();
  await queues?.stop();
});

async function map(input: CreateEventSourceMappingCommandInput): Promise<string> {
  const made = await functions.lambda.send(
    new CreateEventSourceMappingCommand({ ...input, FunctionResponseTypes: ["ReportBatchItemFailures"] }),
  );
  return made.UUID ?? "";
}

it("clones of a snapshot get a queue's messages; what fails goes to its dead letter queue", async ({ expect }) => {
  const name = await functions.createSnapStart(CODE, { Timeout: VISIBILITY_S });
  const FunctionVersion = await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion }));
  const EventSourceArn = await queues.create("orders", VISIBILITY_S, 2);
  const UUID = await map({ FunctionName: `${name}:live`, EventSourceArn });
  await queues.send("orders", ["a", "bad", "b", "c"]);
  await functions.eventually("the queue is empty", async () => (await queues.count("orders")) === 0);
  expect(await queues.drain("orders-letters")).toEqual(["bad"]);
  const mapping = await functions.lambda.send(new GetEventSourceMappingCommand({ UUID }));
  expect(mapping).toMatchObject({ State: "Enabled", StateTransitionReason: "USER_INITIATED" });
  const address = /thaw metrics on (\S+)/.exec(server.output())?.[1];
  const figures = await (await fetch(address ?? "")).text();
  expect(figures).toContain(`thaw_event_source_batches_total{function_name="${name}",service="sqs",result="partial"}`);
  expect(figures).toContain(`thaw_event_source_lag_seconds_count{function_name="${name}",service="sqs"}`);
  await functions.lambda.send(new DeleteEventSourceMappingCommand({ UUID }));
});

it("a queue that vanishes is told in the mapping, and read again when it is back", async ({ expect }) => {
  const name = await functions.create(CODE, { Timeout: VISIBILITY_S });
  const EventSourceArn = await queues.create("fickle", VISIBILITY_S, 2);
  const UUID = await map({ FunctionName: name, EventSourceArn });
  await queues.remove("fickle");
  const shown = await functions.eventually("the mapping says so", async () => {
    const mapping = await functions.lambda.send(new GetEventSourceMappingCommand({ UUID }));
    return mapping.LastProcessingResult === undefined ? null : mapping;
  });
  expect(shown).toMatchObject({
    State: "Enabled",
    LastProcessingResult: expect.stringMatching(/^PROBLEM: .*QueueDoesNotExist/),
  });
  await queues.create("fickle", VISIBILITY_S, 2);
  await queues.send("fickle", ["a"]);
  await functions.eventually("the queue is empty", async () => (await queues.count("fickle")) === 0);
  await functions.lambda.send(new DeleteEventSourceMappingCommand({ UUID }));
  await expect(map({ FunctionName: name, EventSourceArn: queues.arn("nobody") })).rejects.toThrow(
    "AWS.SimpleQueueService.NonExistentQueue",
  );
});

it("streams of Kinesis and of a table come in order, and go on where they were after a kill", async ({ expect }) => {
  const { endpoint } = queues.moto;
  const aws = { region: "us-east-1", endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  // The client's own choice is HTTP/2.
  const kinesis = new KinesisClient({ ...aws, requestHandler: new NodeHttpHandler() });
  const tables = new DynamoDBClient(aws);
  const dir = mkdtempSync(join(tmpdir(), "thaw-records-"));
  chmodSync(dir, 0o1777);
  const args = [
    ...["kinesis", "dynamodb"].flatMap((service) => ["--aws-endpoint", `${service}=${endpoint}`]),
    "--file-system",
    `${ACCESS_POINT}=${dir}`,
  ];
  const servers = [await startThaw({ args })];
  try {
    let own = new TestFunctions(servers[0] as ThawServer);
    const name = await own.create(
      {
        "index.mjs": `import { appendFileSync } from "node:fs";
        const textOf = (r) => r.kinesis ? "s" + atob(r.kinesis.data) : "t" + r.dynamodb.NewImage.id.S;
        export const handler = async ({ Records }) => {
          for (const record of Records) appendFileSync("/mnt/data/all", textOf(record) + "\\n");
        };`,
      },
      { FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/data" }] },
    );
    await kinesis.send(new CreateStreamCommand({ StreamName: "s", ShardCount: 1 }));
    const { TableDescription } = await tables.send(
      new CreateTableCommand({
        TableName: "t",
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        BillingMode: "PAY_PER_REQUEST",
        StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
      }),
    );
    const arns = ["arn:aws:kinesis:us-east-1:123456789012:stream/s", TableDescription?.LatestStreamArn];
    for (const EventSourceArn of arns)
      await own.lambda.send(
        new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn, StartingPosition: "TRIM_HORIZON" }),
      );
    const put = async (id: string): Promise<void> => {
      await kinesis.send(new PutRecordCommand({ StreamName: "s", PartitionKey: "k", Data: Buffer.from(id) }));
      await tables.send(new PutItemCommand({ TableName: "t", Item: { id: { S: id } } }));
    };
    const ran = (of: string): readonly string[] => {
      const path = join(dir, "all");
      const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
      return [...new Set(lines.filter((line) => line.startsWith(of)))];
    };
    const wanted = (of: string, count: number): readonly string[] =>
      Array.from({ length: count }, (_, index) => `${of}${index}`);
    const untilRan = (count: number): Promise<unknown> =>
      own.eventually(`${count} of each have run`, async () => {
        await own.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
        return ran("s").length === count && ran("t").length === count;
      });
    for (let index = 0; index < 5; index++) await put(String(index));
    await untilRan(5);
    await servers[0]?.kill("server");
    for (let index = 5; index < 10; index++) await put(String(index));
    servers.push(await startThaw({ args, previous: servers[0] as ThawServer }));
    own = new TestFunctions(servers[1] as ThawServer);
    await untilRan(10);
    expect([ran("s"), ran("t")]).toEqual([wanted("s", 10), wanted("t", 10)]);
  } finally {
    for (const each of servers.reverse()) await each.remove();
    kinesis.destroy();
    tables.destroy();
    rmSync(dir, { recursive: true });
  }
});
