/**
 * Asynchronous invokes with AWS's clients on the real engine: a queue's record and dead letter, of a fresh environment
 * and of a clone of a snapshot, and a function as a destination.
 */
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  PutFunctionEventInvokeConfigCommand,
} from "@aws-sdk/client-lambda";
import { CreateQueueCommand, type Message, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { MotoServer } from "../support/moto-server.ts";

const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };
/** A message that was received does not come again in this test. */
const KEPT = { VisibilityTimeout: 3600 };
const QUEUE = "arn:aws:sqs:us-east-1:123456789012:results";
const LETTERS = "arn:aws:sqs:us-east-1:123456789012:letters";
const CODE = {
  "index.mjs": `export const handler = async (event) => {
    if (event.fails) throw new Error("no luck");
    return { trace: process.env._X_AMZN_TRACE_ID, event };
  };`,
};

let moto: MotoServer;
let server: ThawServer;
let functions: TestFunctions;
let sqs: SQSClient;
const urls = new Map<string, string>();

beforeAll(async () => {
  moto = await MotoServer.start();
  sqs = new SQSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials: CREDENTIALS });
  for (const QueueName of ["results", "letters"])
    urls.set(QueueName, (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? "");
  server = await startThaw({ args: ["--aws-endpoint", `sqs=${moto.endpoint}`] });
  functions = new TestFunctions(server);
});
afterAll(async () => {
  await server?.remove();
  sqs?.destroy();
  await moto?.stop();
});

function receive(queue: string): Promise<Message> {
  return functions.eventually(`a message in ${queue}`, async () => {
    const wish = { QueueUrl: urls.get(queue), WaitTimeSeconds: 5, MessageAttributeNames: ["All"], ...KEPT };
    const { Messages } = await sqs.send(new ReceiveMessageCommand(wish));
    return Messages?.[0] ?? false;
  });
}

async function invokeLater(FunctionName: string, Qualifier: string, event: unknown): Promise<string | undefined> {
  const input = { FunctionName, Qualifier, InvocationType: "Event" as const, Payload: JSON.stringify(event) };
  const answer = await functions.lambda.send(new InvokeCommand(input));
  return answer.StatusCode === 202 ? answer.$metadata.requestId : undefined;
}

it("the record and the dead letter of a fresh environment and of a clone come to their queues", async ({ expect }) => {
  const name = await functions.createSnapStart(CODE, { DeadLetterConfig: { TargetArn: LETTERS } });
  const version = await functions.publish(name);
  const { DeadLetterConfig } = await functions.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }),
  );
  expect(DeadLetterConfig).toEqual({ TargetArn: LETTERS });
  for (const qualifier of ["$LATEST", version]) {
    const DestinationConfig = { OnSuccess: { Destination: QUEUE } };
    const settings = { MaximumRetryAttempts: 0, DestinationConfig };
    await functions.lambda.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName: name, Qualifier: qualifier, ...settings }),
    );
    const requestId = await invokeLater(name, qualifier, { n: 1 });
    const record = JSON.parse((await receive("results")).Body ?? "") as Record<string, unknown>;
    expect(record).toMatchObject({
      requestContext: { requestId, condition: "Success", approximateInvokeCount: 1 },
      requestPayload: { n: 1 },
      responseContext: { statusCode: 200, executedVersion: qualifier },
      responsePayload: { event: { n: 1 }, trace: expect.stringMatching(/;Lineage=1:[0-9a-f]{8}:0$/) },
    });
    const failed = await invokeLater(name, qualifier, { fails: true });
    const letter = await receive("letters");
    expect(letter.Body).toBe('{"fails":true}');
    const attributes = Object.entries(letter.MessageAttributes ?? {}).map(([key, { StringValue }]) => [
      key,
      StringValue,
    ]);
    expect(Object.fromEntries(attributes)).toEqual({ RequestID: failed, ErrorCode: "200", ErrorMessage: "no luck" });
  }
});

it("a function gets the record of another one, and its own goes on to the queue", async ({ expect }) => {
  const last = await functions.create(CODE);
  const first = await functions.create(CODE);
  const arn = `arn:aws:lambda:us-east-1:000000000000:function:${last}`;
  await functions.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: first,
      DestinationConfig: { OnSuccess: { Destination: arn } },
    }),
  );
  await functions.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: last,
      DestinationConfig: { OnSuccess: { Destination: QUEUE } },
    }),
  );
  await invokeLater(first, "$LATEST", { n: 2 });
  const record = JSON.parse((await receive("results")).Body ?? "") as Record<string, unknown>;
  expect(record).toMatchObject({
    requestContext: { functionArn: `${arn}:$LATEST` },
    requestPayload: { requestPayload: { n: 2 }, requestContext: { condition: "Success" } },
    responsePayload: { trace: expect.stringMatching(/;Lineage=1:[0-9a-f]{8}:0\|[0-9a-f]{8}:0$/) },
  });
});
