/** Functions, versions, aliases and what belongs to them, as resources of stacks. */
import {
  type CloudFormationClient,
  ContinueUpdateRollbackCommand,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { cloudFormationOf, roleAndFunction, untilEnded } from "./stack-harness.ts";
import { openTestObjects } from "./test-objects.ts";

let http: HttpHarness;
let client: CloudFormationClient;
let stop: () => void;
const failInit = (): never => {
  throw new Error("handler is undefined");
};
beforeEach(async () => {
  const { objects } = openTestObjects();
  http = await HttpHarness.start({
    functions: { one: {}, two: {}, broken: { init: failInit } },
    services: { objects },
    // As on a host: each change takes a moment, in which others are refused.
    limits: { stateChangeMs: 20 },
  });
  const services = http.services((_label, id) => id);
  await services.call("s3", "CreateBucket", { Bucket: "code-bucket" });
  for (const code of ["one", "two", "broken"])
    await services.call("s3", "PutObject", { Bucket: "code-bucket", Key: code, Body: code });
  client = cloudFormationOf(http);
  runClock();
});

/** The clock of the fake engine goes on by itself, until `stop`. */
function runClock(): void {
  let isStopped = false;
  stop = () => {
    isStopped = true;
  };
  void (async () => {
    while (!isStopped) {
      await http.control.clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
}

afterEach(async () => {
  stop();
  client.destroy();
  const { problems } = http;
  await http[Symbol.asyncDispose]();
  expect(problems).toEqual([]);
});

const template = (key: string, memory: number | string = 128): string => `${roleAndFunction(key, memory)}
      SnapStart: { ApplyOn: PublishedVersions }
      Environment: { Variables: { NUMBER: 1 } }
      ReservedConcurrentExecutions: "5"
  V${key}: { Type: AWS::Lambda::Version, DeletionPolicy: Retain, Properties: { FunctionName: !Ref F } }
  Live:
    Type: AWS::Lambda::Alias
    Properties: { FunctionName: !Ref F, FunctionVersion: !GetAtt V${key}.Version, Name: live }
  Url:
    Type: AWS::Lambda::Url
    DependsOn: Live
    Properties: { TargetFunctionArn: !Ref F, Qualifier: live, AuthType: NONE }
  May:
    Type: AWS::Lambda::Permission
    Properties: { FunctionName: !Ref Live, Action: lambda:InvokeFunctionUrl, Principal: "*", FunctionUrlAuthType: NONE }
  Retries:
    Type: AWS::Lambda::EventInvokeConfig
    DependsOn: Live
    Properties: { FunctionName: !Ref F, Qualifier: live, MaximumRetryAttempts: 1 }
Outputs:
  Url: { Value: !GetAtt Url.FunctionUrl }
  Alias: { Value: !Ref Live }
  Version: { Value: !GetAtt V${key}.Version }
`;

const ended = (name: string): Promise<Stack> => untilEnded(http, client, name);

async function events(name: string): Promise<string[]> {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: name }));
  return StackEvents.map(
    ({ LogicalResourceId, ResourceStatus, ResourceStatusReason }) =>
      `${LogicalResourceId} ${ResourceStatus} ${ResourceStatusReason ?? ""}`,
  ).reverse();
}

it("a runtime that Thaw can't run is refused before anything is made", async () => {
  const TemplateBody = template("one").replace("python3.13", "dotnet8");
  const command = new CreateStackCommand({ StackName: "net", TemplateBody, Capabilities: ["CAPABILITY_IAM"] });
  await expect(client.send(command)).rejects.toThrow(
    "#/Runtime: Thaw does not have [dotnet8]: functions can have java",
  );
});

it("a function with version, alias and URL is made, changed and removed", async () => {
  const Capabilities = ["CAPABILITY_IAM" as const];
  const { StackId } = await client.send(
    new CreateStackCommand({ StackName: "shop", TemplateBody: template("one"), Capabilities }),
  );
  const made = await ended("shop");
  expect([made.StackStatus, await events("shop")]).toEqual(["CREATE_COMPLETE", expect.anything()]);
  expect(Object.fromEntries((made.Outputs ?? []).map((each) => [each.OutputKey, each.OutputValue]))).toMatchObject({
    Version: "1",
    Alias: expect.stringMatching(/:live$/),
    Url: expect.stringMatching(/^http:\/\/[a-z0-9]+\.lambda-url\.us-east-1\.localhost:/),
  });
  await client.send(new UpdateStackCommand({ StackName: "shop", TemplateBody: template("two", "256"), Capabilities }));
  const changed = await ended("shop");
  expect([changed.StackStatus, changed.StackStatusReason]).toEqual(["UPDATE_COMPLETE", undefined]);
  expect(changed.Outputs).toContainEqual(expect.objectContaining({ OutputKey: "Version", OutputValue: "2" }));
  await client.send(new DeleteStackCommand({ StackName: "shop" }));
  expect(await ended(StackId ?? "")).toMatchObject({ StackStatus: "DELETE_COMPLETE" });
  expect(await http.control.store.listFunctions()).toEqual([]);
});

it("a stack that is deleted while it is made goes, with all that was made", async () => {
  const { StackId } = await client.send(
    new CreateStackCommand({
      StackName: "shop",
      TemplateBody: template("one"),
      Capabilities: ["CAPABILITY_IAM"],
      TimeoutInMinutes: 60,
    }),
  );
  await client.send(new DeleteStackCommand({ StackName: "shop" }));
  expect((await ended(StackId ?? "")).StackStatus).toBe("DELETE_COMPLETE");
  expect(await http.control.store.listFunctions()).toEqual([]);
});

it("a failing update is rolled back", async () => {
  const Capabilities = ["CAPABILITY_IAM" as const];
  await client.send(new CreateStackCommand({ StackName: "shop", TemplateBody: template("one"), Capabilities }));
  expect((await ended("shop")).StackStatus).toBe("CREATE_COMPLETE");
  await client.send(
    new UpdateStackCommand({ StackName: "shop", TemplateBody: template("nothing", "512"), Capabilities }),
  );
  const back = await ended("shop");
  expect([back.StackStatus, await events("shop")]).toEqual(["UPDATE_ROLLBACK_COMPLETE", expect.anything()]);
  const [f] = await http.control.store.listAllVersions();
  expect(f?.config.memorySizeMib).toBe(128);
});

it("a rollback waits for the updates that it has cut off", async () => {
  const of = (memory: number, other: number): string =>
    `Resources:\n${simple("F", "one", memory)}${simple("Bad", "one", other)}`;
  await client.send(new CreateStackCommand({ StackName: "shop", TemplateBody: of(128, 128) }));
  expect((await ended("shop")).StackStatus).toBe("CREATE_COMPLETE");
  await client.send(new UpdateStackCommand({ StackName: "shop", TemplateBody: of(256, 99_999) }));
  expect([(await ended("shop")).StackStatus, await events("shop")]).toEqual([
    "UPDATE_ROLLBACK_COMPLETE",
    expect.arrayContaining(["F UPDATE_FAILED Resource update cancelled"]),
  ]);
  const { Functions: found } = await http.services((_label, id) => id).call("lambda", "ListFunctions", {});
  expect(found).toMatchObject([{ MemorySize: 128 }, { MemorySize: 128 }]);
});

it("a version whose Init fails names the log that says why", async () => {
  const Capabilities = ["CAPABILITY_IAM" as const];
  await client.send(new CreateStackCommand({ StackName: "shop", TemplateBody: template("broken"), Capabilities }));
  expect((await ended("shop")).StackStatus).toBe("ROLLBACK_COMPLETE");
  const [failed] = (await events("shop")).filter((event) => event.startsWith("Vbroken CREATE_FAILED"));
  expect(failed).toMatch(
    /function initialization\. Its log says why: aws logs tail \/aws\/lambda\/shop-F-[A-Z0-9]{12}$/,
  );
});

const simple = (id: string, key: string, memory = 128): string =>
  `  ${id}: { Type: AWS::Lambda::Function, Properties: { Role: "arn:aws:iam::000000000000:role/test", Handler: a.b, Runtime: python3.13, MemorySize: ${memory}, Code: { S3Bucket: code-bucket, S3Key: ${key} } } }\n`;

it("what a failure cancels is removed with the rest", async () => {
  const services = http.services((_label, id) => id);
  await services.call("s3", "PutObject", {
    Bucket: "code-bucket",
    Key: "inner",
    Body: `Resources:\n${simple("Inner", "one")}`,
  });
  const nested =
    "  In: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: https://s3.amazonaws.com/code-bucket/inner } }";
  await client.send(
    new CreateStackCommand({
      StackName: "shop",
      TemplateBody: `Resources:\n${simple("F", "one")}${simple("Bad", "nothing")}${nested}`,
    }),
  );
  expect((await ended("shop")).StackStatus).toBe("ROLLBACK_COMPLETE");
  expect(await events("shop")).toContain("F CREATE_FAILED Resource creation cancelled");
  expect(await http.control.store.listFunctions()).toEqual([]);
  const stacks = (await client.send(new DescribeStacksCommand({}))).Stacks ?? [];
  expect(stacks.map(({ StackName }) => StackName)).toEqual(["shop"]);
});

it("a rollback that has failed is continued, and brings all back", async () => {
  const services = http.services((_label, id) => id);
  await client.send(new CreateStackCommand({ StackName: "shop", TemplateBody: `Resources:\n${simple("F", "one")}` }));
  expect((await ended("shop")).StackStatus).toBe("CREATE_COMPLETE");
  const code = async (): Promise<unknown> => {
    const { Functions: functions } = await services.call("lambda", "ListFunctions", {});
    return (functions as ReadonlyArray<Record<string, unknown>>)[0]?.["CodeSha256"];
  };
  const before = await code();
  await services.call("s3", "DeleteObject", { Bucket: "code-bucket", Key: "one" });
  await client.send(
    new UpdateStackCommand({
      StackName: "shop",
      TemplateBody: `Resources:\n${simple("F", "two", 256)}${simple("Bad", "nothing").replace("Type", "DependsOn: F, Type")}`,
    }),
  );
  expect((await ended("shop")).StackStatus).toBe("UPDATE_ROLLBACK_FAILED");
  expect(await code()).not.toBe(before);
  await services.call("s3", "PutObject", { Bucket: "code-bucket", Key: "one", Body: "one" });
  await client.send(new ContinueUpdateRollbackCommand({ StackName: "shop" }));
  expect((await ended("shop")).StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect(await code()).toBe(before);
});

it("a stack in a stack comes and goes with it", async () => {
  const services = http.services((_label, id) => id);
  const inner = (memory: number): string => `
Parameters: { Role: { Type: String } }
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: { Role: !Ref Role, Handler: a.b, Runtime: python3.13, MemorySize: ${memory}, Code: { S3Bucket: code-bucket, S3Key: one } }
Outputs: { Name: { Value: !Ref F } }`;
  const put = (key: string, memory: number) =>
    services.call("s3", "PutObject", { Bucket: "code-bucket", Key: key, Body: inner(memory) });
  await put("inner-1", 128);
  await put("inner-2", 256);
  await put("inner-3", 1);
  const outer = (key: string): string => `
Resources:
  In:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/code-bucket/${key}
      Parameters: { Role: "arn:aws:iam::000000000000:role/test" }
Outputs: { Name: { Value: !GetAtt In.Outputs.Name } }`;
  const { StackId } = await client.send(new CreateStackCommand({ StackName: "outer", TemplateBody: outer("inner-1") }));
  const made = await ended("outer");
  expect([made.StackStatus, made.StackStatusReason]).toEqual(["CREATE_COMPLETE", undefined]);
  expect(made.Outputs).toMatchObject([{ OutputValue: expect.stringMatching(/^outer-In-.*-F-[0-9A-Z]{12}$/) }]);
  const all = (await client.send(new DescribeStacksCommand({}))).Stacks ?? [];
  expect(all.find(({ StackName }) => StackName !== "outer")).toMatchObject({ ParentId: StackId, RootId: StackId });
  await client.send(new UpdateStackCommand({ StackName: "outer", TemplateBody: outer("inner-2") }));
  expect((await ended("outer")).StackStatus).toBe("UPDATE_COMPLETE");
  await client.send(new UpdateStackCommand({ StackName: "outer", TemplateBody: outer("inner-3") }));
  expect((await ended("outer")).StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect((await http.control.store.listAllVersions())[0]?.config.memorySizeMib).toBe(256);
  await client.send(new DeleteStackCommand({ StackName: "outer" }));
  expect((await ended(StackId ?? "")).StackStatus).toBe("DELETE_COMPLETE");
  expect(await http.control.store.listFunctions()).toEqual([]);
});

it("a waiter of botocore is answered when the run has ended, others at once", async () => {
  // Nothing becomes active meanwhile.
  stop();
  await client.send(
    new CreateStackCommand({ StackName: "shop", TemplateBody: template("one"), Capabilities: ["CAPABILITY_IAM"] }),
  );
  const waiting = cloudFormationOf(http);
  waiting.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["user-agent"] = "Boto3/1.44.5 md/x#y m/D,B,Z";
      return next(args);
    },
    { step: "finalizeRequest", priority: "low" },
  );
  const statusFor = async (by: CloudFormationClient): Promise<string | undefined> =>
    (await by.send(new DescribeStacksCommand({ StackName: "shop" }))).Stacks?.[0]?.StackStatus;
  const atTheEnd = statusFor(waiting);
  expect(await statusFor(client)).toBe("CREATE_IN_PROGRESS");
  runClock();
  expect(await atTheEnd).toBe("CREATE_COMPLETE");
  waiting.destroy();
});
