/** Resource policies: statements as AWS writes them, one policy for each function, version and alias. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ControlHarness } from "./harness.ts";

const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const NOTHING = "The resource you requested does not exist.";
const REVISION =
  "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id";
const S3 = { StatementId: "s3", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" };
const RECORDED = "../recorded/test_lambda_api.TestLambdaPermissions.test_add_lambda_permission_fields.json";

type Input = Record<string, unknown>;

interface Policy {
  readonly Version: string;
  readonly Id: string;
  readonly Statement: ReadonlyArray<{ readonly Sid: string; readonly Resource: string }>;
}

let harness: ControlHarness;
beforeAll(async () => {
  harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
});
afterAll(() => harness.end());

let made = 0;
async function create(): Promise<string> {
  const name = `f${made++}`;
  await harness.create(name, "good", { snapStart: false });
  await harness.publish(name);
  await harness.call("CreateAlias", { FunctionName: name, Name: "live", FunctionVersion: "1" });
  return name;
}

async function add(input: Input): Promise<unknown> {
  const { Statement } = (await harness.call("AddPermission", input)) as { readonly Statement: string };
  return JSON.parse(Statement);
}

async function read(input: Input): Promise<{ readonly policy: Policy; readonly revisionId: string }> {
  const { Policy, RevisionId } = (await harness.call("GetPolicy", input)) as Record<"Policy" | "RevisionId", string>;
  return { policy: JSON.parse(Policy) as Policy, revisionId: RevisionId };
}

/** The RevisionId that the function itself, or its alias, shows. */
async function revisionOf(FunctionName: string, alias?: string): Promise<string> {
  const { RevisionId } = (await (alias === undefined
    ? harness.call("GetFunctionConfiguration", { FunctionName })
    : harness.call("GetAlias", { FunctionName, Name: alias }))) as { readonly RevisionId: string };
  return RevisionId;
}

const ACCOUNT = { SourceAccount: "111111111111" };
const INVOKE = { Action: "lambda:InvokeFunction" };

it.for([
  ["add_permission_principal_wildcard", { StatementId: "wilcard", Principal: "*", ...INVOKE, ...ACCOUNT }],
  [
    "add_permission_principal_service",
    { StatementId: "lambda", Principal: "lambda.amazonaws.com", ...INVOKE, ...ACCOUNT },
  ],
  ["add_permission_principal_account", { StatementId: "account-id", Principal: "111111111111", ...INVOKE }],
  [
    "add_permission_principal_arn",
    { StatementId: "user-arn", Principal: "arn:aws:iam::111111111111:user/u", ...INVOKE, ...ACCOUNT },
  ],
  [
    "add_permission_optional_fields",
    {
      StatementId: "urlPermission",
      Action: "lambda:InvokeFunctionUrl",
      Principal: "*",
      SourceArn: "arn:aws:s3:::bucket",
      FunctionUrlAuthType: "NONE",
      PrincipalOrgID: "o-1234567890",
      ...ACCOUNT,
    },
  ],
  [
    "add_permission_alexa_skill",
    {
      StatementId: "alexaSkill",
      Principal: "*",
      EventSourceToken: "amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
      ...INVOKE,
    },
  ],
] as const)("a statement is as it is recorded: %s", async ([step, input]) => {
  const name = await create();
  const all = JSON.parse(readFileSync(join(import.meta.dirname, RECORDED), "utf8")) as {
    readonly "-": { readonly responses: Readonly<Record<string, { readonly Statement: unknown }>> };
  };
  const expected = JSON.stringify(all["-"].responses[step]?.Statement)
    .replaceAll("<partition>", "aws")
    .replaceAll("lambda:<region>:111111111111:function:<resource:1>", `lambda:us-east-1:000000000000:function:${name}`)
    .replaceAll("<resource:2>", "root")
    .replaceAll("<user_arn>", "arn:aws:iam::111111111111:user/u")
    .replaceAll("<resource:3>", "bucket");
  expect(await add({ FunctionName: name, ...input })).toEqual(JSON.parse(expected));
});

it("a function, a version and an alias have one each; a publish copies none, and what goes takes its own along", async () => {
  const name = await create();
  const of = (Qualifier: string): Input => ({ FunctionName: name, Qualifier });
  await add({ FunctionName: name, ...S3 });
  await expect(read(of("1"))).rejects.toThrow(NOTHING);
  await harness.call("UpdateFunctionConfiguration", { FunctionName: name, Timeout: 9 });
  await harness.advance(0);
  await harness.publish(name);
  await expect(read(of("2"))).rejects.toThrow(NOTHING);
  await add({ ...of("2"), ...S3 });
  await add({ ...of("live"), ...S3, StatementId: "a" });
  await add({ ...of("live"), ...S3, StatementId: "b", SourceArn: "arn:aws:s3:::bucket", InvokedViaFunctionUrl: true });
  const { policy } = await read({ FunctionName: `${name}:live` });
  expect([policy.Version, policy.Id]).toEqual(["2012-10-17", "default"]);
  expect(policy.Statement).toEqual([
    {
      Sid: "a",
      Effect: "Allow",
      Principal: { Service: "s3.amazonaws.com" },
      Action: "lambda:InvokeFunction",
      Resource: `${ARN}${name}:live`,
    },
    expect.objectContaining({
      Sid: "b",
      Condition: {
        ArnLike: { "AWS:SourceArn": "arn:aws:s3:::bucket" },
        Bool: { "lambda:InvokedViaFunctionUrl": "true" },
      },
    }),
  ]);
  await harness.call("DeleteAlias", { FunctionName: name, Name: "live" });
  await harness.call("CreateAlias", { FunctionName: name, Name: "live", FunctionVersion: "1" });
  await expect(read(of("live"))).rejects.toThrow(NOTHING);
  expect((await read(of("2"))).policy.Statement.map(({ Resource }) => Resource)).toEqual([`${ARN}${name}:2`]);
});

it("a statement is removed by its id, and with the last one the policy", async () => {
  const name = await create();
  const remove = (StatementId: string): Promise<unknown> =>
    harness.call("RemovePermission", { FunctionName: name, StatementId }) as Promise<unknown>;
  await add({ FunctionName: name, ...S3 });
  await add({ FunctionName: name, ...S3, StatementId: "sqs" });
  await expect(remove("non-existent")).rejects.toThrow("Statement non-existent is not found in resource policy.");
  expect(await remove("s3")).toEqual({});
  expect((await read({ FunctionName: name })).policy.Statement.map(({ Sid }) => Sid)).toEqual(["sqs"]);
  expect(await remove("sqs")).toEqual({});
  await expect(read({ FunctionName: name })).rejects.toThrow(NOTHING);
  await expect(remove("sqs")).rejects.toThrow("No policy is associated with the given resource.");
});

it.for([undefined, "live"])("its RevisionId is that of the function, or of the alias (%s)", async (alias) => {
  const name = await create();
  const of = { FunctionName: name, ...(alias === undefined ? {} : { Qualifier: alias }) };
  const before = await revisionOf(name, alias);
  await expect(add({ ...of, ...S3, RevisionId: "wrong" })).rejects.toThrow(REVISION);
  await add({ ...of, ...S3, RevisionId: before });
  const { revisionId } = await read(of);
  expect(revisionId).toBe(await revisionOf(name, alias));
  expect(revisionId).not.toBe(before);
  const removal = (RevisionId: string): Promise<unknown> =>
    harness.call("RemovePermission", { ...of, StatementId: "s3", RevisionId }) as Promise<unknown>;
  await expect(removal(before)).rejects.toThrow(REVISION);
  expect(await removal(revisionId)).toEqual({});
});

it("a version keeps its RevisionId, and an update that is under way ends all the same", async () => {
  const name = await create();
  const version = { FunctionName: name, Qualifier: "1" };
  const before = await harness.call("GetFunctionConfiguration", version);
  await add({ ...version, ...S3 });
  expect(await harness.call("GetFunctionConfiguration", version)).toEqual(before);
  await Promise.all([
    harness.call("UpdateFunctionConfiguration", { FunctionName: name, Timeout: 7 }),
    add({ FunctionName: name, ...S3 }),
  ]);
  await harness.advance(0);
  expect(await harness.call("GetFunctionConfiguration", { FunctionName: name })).toMatchObject({
    LastUpdateStatus: "Successful",
  });
});

it("is no longer than AWS's limit", async () => {
  const name = await create();
  const long = (index: number): Input => ({
    FunctionName: name,
    ...S3,
    StatementId: `s${index}`,
    SourceArn: `arn:aws:s3:::${"x".repeat(9000)}`,
  });
  await add(long(1));
  await add(long(2));
  await expect(add(long(3))).rejects.toThrow(/^The final policy size \(2\d{4}\) is bigger than the limit \(20480\)\.$/);
});
