/** Functions that subscribe topics of moto's, on the real engine: a SAM template, messages by boto3, and a restart. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateStackCommand, DeleteStackCommand, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { ListSubscriptionsCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { TestFunctions } from "../support/functions.ts";
import { MotoServer } from "../support/moto-server.ts";

const PYTHON = join(REPOSITORY, ".thaw/aws-clients/bin/python");
const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Resources:
  News: { Type: AWS::SNS::Topic }
  Listener:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: nodejs24.x
      InlineCode: |
        exports.handler = async (event) => console.log("GOT " + JSON.stringify(event.Records[0]));
      Events:
        Message:
          Type: SNS
          Properties: { Topic: !Ref News, FilterPolicy: { kind: [{ anything-but: [dull] }] } }
Outputs: { Name: { Value: !Ref Listener }, Topic: { Value: !Ref News } }
`;

let moto: MotoServer;
let sns: SNSClient;
const servers: ThawServer[] = [];

beforeAll(async () => {
  moto = await MotoServer.start();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  sns = new SNSClient({ endpoint: moto.endpoint, region: "us-east-1", credentials });
});
afterAll(async () => {
  sns?.destroy();
  for (const server of servers.reverse()) await server.remove();
  await moto?.stop();
});

async function begin(previous?: ThawServer): Promise<TestFunctions> {
  const args = ["--aws-endpoint", `sns=${moto.endpoint}`];
  const server = await startThaw({ args, ...(previous === undefined ? {} : { previous }) });
  servers.push(server);
  return new TestFunctions(server);
}

/** The record with this message that a function printed. */
function heard(functions: TestFunctions, name: string, message: string) {
  return functions.eventually(`the function hears ${message}`, async () => {
    const lines = (await functions.logs(name)).flatMap(({ message: line }) => line.split("GOT ")[1]?.trim() ?? []);
    return lines.map((line) => JSON.parse(line)).find(({ Sns }) => Sns.Message === message);
  });
}

async function subscriptions() {
  return (await sns.send(new ListSubscriptionsCommand({}))).Subscriptions ?? [];
}

it("a SAM template's function hears its topic, also after a restart, until the stack goes", async () => {
  let functions = await begin();
  const StackName = "news";
  const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
  const first = cloudFormationOf(functions.server);
  await first.send(new CreateStackCommand({ StackName, Capabilities, TemplateBody: TEMPLATE }));
  const made = await functions.eventually("the stack is made", async () => {
    const [stack] = (await first.send(new DescribeStacksCommand({ StackName }))).Stacks ?? [];
    if (stack?.StackStatus === "CREATE_IN_PROGRESS") return false;
    expect(stack?.StackStatus, functions.server.output()).toBe("CREATE_COMPLETE");
    return stack;
  });
  const outputOf = (key: string) => made?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue ?? "";
  const [name, TopicArn] = [outputOf("Name"), outputOf("Topic")];
  const script = `import boto3, sys
sns = boto3.client("sns", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
for kind, text in (("dull", "nothing"), ("new", "one ü")):
    attributes = {"kind": {"DataType": "String", "StringValue": kind}}
    sns.publish(TopicArn=sys.argv[2], Message=text, Subject="hello", MessageAttributes=attributes)
`;
  await promisify(execFile)(PYTHON, ["-c", script, moto.endpoint, TopicArn]);
  const [subscription] = await subscriptions();
  expect(await heard(functions, name, "one ü")).toEqual({
    EventSource: "aws:sns",
    EventVersion: "1.0",
    EventSubscriptionArn: subscription?.SubscriptionArn,
    Sns: {
      Type: "Notification",
      MessageId: expect.any(String),
      TopicArn,
      Subject: "hello",
      Message: "one ü",
      Timestamp: expect.any(String),
      SignatureVersion: expect.any(String),
      Signature: expect.any(String),
      SigningCertUrl: expect.stringMatching(/^https:/),
      UnsubscribeUrl: expect.stringMatching(/^https:/),
      MessageAttributes: {},
    },
  });
  // The next server listens at another port.
  await functions.server.stop();
  functions = await begin(functions.server);
  const port = new URL(functions.server.endpoint).port;
  await functions.eventually("the topic has the new address alone", async () => {
    const all = await subscriptions();
    return all.length === 1 && all[0]?.Endpoint?.includes(`:${port}/_thaw/sns/`) === true;
  });
  const attributes = { kind: { DataType: "String", StringValue: "new" } };
  for (const Message of ["two", "three"])
    await sns.send(new PublishCommand({ TopicArn, Message, MessageAttributes: attributes }));
  await heard(functions, name, "two");
  expect(await heard(functions, name, "three")).toMatchObject({ Sns: { Subject: null } });
  const second = cloudFormationOf(functions.server);
  await second.send(new DeleteStackCommand({ StackName }));
  await functions.eventually("the stack has gone", () =>
    second.send(new DescribeStacksCommand({ StackName })).then(
      ({ Stacks }) => {
        expect(Stacks?.[0]?.StackStatus).toBe("DELETE_IN_PROGRESS");
        return false;
      },
      (error: Error) => /does not exist/.test(error.message),
    ),
  );
  expect(await subscriptions()).toEqual([]);
});
