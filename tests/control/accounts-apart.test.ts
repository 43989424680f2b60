/** Each operation of the Lambda API, asked by others than the owner: nothing is seen, changed or deleted. */
import type { OperationName } from "@thaw/aws-api";
import { REFUSED } from "@thaw/server/testing/control";
import { describe, expect, it } from "vitest";
import { ARN, CODE, FUNCTIONS, furnish, type Input, SECRET, SIGNING } from "./furnished-account.ts";
import { ALICE, BOB, FAR_REGION, HOME, REGION, ScopesHarness } from "./scopes-harness.ts";

/** What else each operation needs, besides the name of what it is about. Null: it is refused whoever asks. */
const OF_FUNCTIONS: Readonly<Partial<Record<OperationName, Input>>> = {
  AddPermission: { StatementId: "s", Action: "lambda:InvokeFunction", Principal: BOB },
  CreateAlias: { Name: "other", FunctionVersion: "1" },
  CreateFunctionUrlConfig: { AuthType: "NONE" },
  DeleteAlias: { Name: "live" },
  DeleteFunction: {},
  DeleteFunctionCodeSigningConfig: {},
  DeleteFunctionConcurrency: {},
  DeleteFunctionEventInvokeConfig: {},
  DeleteFunctionUrlConfig: {},
  DeleteProvisionedConcurrencyConfig: { Qualifier: "live" },
  GetAlias: { Name: "live" },
  GetFunction: {},
  GetFunctionCodeSigningConfig: {},
  GetFunctionConcurrency: {},
  GetFunctionConfiguration: {},
  GetFunctionEventInvokeConfig: {},
  GetFunctionRecursionConfig: {},
  GetFunctionUrlConfig: {},
  GetPolicy: {},
  GetProvisionedConcurrencyConfig: { Qualifier: "live" },
  GetRuntimeManagementConfig: {},
  Invoke: {},
  InvokeAsync: { InvokeArgs: Buffer.from("{}") },
  InvokeWithResponseStream: {},
  ListAliases: {},
  ListFunctionEventInvokeConfigs: {},
  ListFunctionUrlConfigs: {},
  ListProvisionedConcurrencyConfigs: {},
  ListVersionsByFunction: {},
  PublishVersion: {},
  PutFunctionConcurrency: { ReservedConcurrentExecutions: 1 },
  PutFunctionEventInvokeConfig: { MaximumRetryAttempts: 0 },
  PutFunctionRecursionConfig: { RecursiveLoop: "Terminate" },
  PutProvisionedConcurrencyConfig: { Qualifier: "live", ProvisionedConcurrentExecutions: 2 },
  PutRuntimeManagementConfig: { UpdateRuntimeOn: "FunctionUpdate" },
  RemovePermission: { StatementId: SECRET },
  UpdateAlias: { Name: "live", Description: "stolen" },
  UpdateFunctionCode: CODE,
  UpdateFunctionConfiguration: { Description: "stolen" },
  UpdateFunctionEventInvokeConfig: { MaximumRetryAttempts: 0 },
  UpdateFunctionUrlConfig: { AuthType: "AWS_IAM" },
};
const OF_LAYERS: Readonly<Partial<Record<OperationName, Input>>> = {
  AddLayerVersionPermission: {
    VersionNumber: 1,
    StatementId: "s",
    Action: "lambda:GetLayerVersion",
    Principal: BOB,
  },
  DeleteLayerVersion: { VersionNumber: 1 },
  GetLayerVersion: { VersionNumber: 1 },
  GetLayerVersionPolicy: { VersionNumber: 1 },
  ListLayerVersions: {},
  RemoveLayerVersionPermission: { VersionNumber: 1, StatementId: SECRET },
};
/** Operations that make something of the caller's own, or list what is the caller's. */
const OWN: Readonly<Partial<Record<OperationName, Input>>> = {
  CreateCodeSigningConfig: SIGNING,
  CreateFunction: {
    FunctionName: "f",
    Role: `arn:aws:iam::${BOB}:role/r`,
    Runtime: "python3.13",
    Handler: "a.b",
    Code: CODE,
  },
  GetAccountSettings: {},
  ListCapacityProviders: {},
  ListCodeSigningConfigs: {},
  ListEventSourceMappings: {},
  ListFunctions: {},
  ListLayers: {},
  PublishLayerVersion: { LayerName: "l", Content: CODE },
};

function inputsBy({
  signingArn,
  uuid: UUID,
}: Awaited<ReturnType<typeof furnish>>): Readonly<Partial<Record<OperationName, readonly Input[]>>> {
  const named = (inputs: typeof OF_FUNCTIONS, member: string, names: readonly string[]) =>
    Object.fromEntries(
      Object.entries(inputs).map(([operation, input]) => [
        operation,
        names.map((name) => ({ [member]: name, ...input })),
      ]),
    );
  const signing = { CodeSigningConfigArn: signingArn };
  const uuid = { UUID };
  const mapping = `arn:aws:lambda:${REGION}:${ALICE}:event-source-mapping:${UUID}`;
  return {
    ...named(OF_FUNCTIONS, "FunctionName", ["f", `${ARN}:function:f`, `${ALICE}:function:f`]),
    ...named(OF_LAYERS, "LayerName", ["l", `${ARN}:layer:l`]),
    ...Object.fromEntries(Object.entries(OWN).map(([operation, input]) => [operation, [input]])),
    GetLayerVersionByArn: [{ Arn: `${ARN}:layer:l:1` }],
    ListTags: [`${ARN}:function:f`, signingArn, mapping].map((Resource) => ({ Resource })),
    TagResource: [`${ARN}:function:f`, signingArn, mapping].map((Resource) => ({ Resource, Tags: { a: "b" } })),
    UntagResource: [`${ARN}:function:f`, signingArn, mapping].map((Resource) => ({ Resource, TagKeys: ["owner"] })),
    GetCodeSigningConfig: [signing],
    UpdateCodeSigningConfig: [{ ...signing, Description: "stolen" }],
    DeleteCodeSigningConfig: [signing],
    ListFunctionsByCodeSigningConfig: [signing],
    PutFunctionCodeSigningConfig: ["f", `${ARN}:function:f`].map((FunctionName) => ({ FunctionName, ...signing })),
    CreateEventSourceMapping: ["f", `${ARN}:function:f`].map((FunctionName) => ({
      FunctionName,
      EventSourceArn: `arn:aws:sqs:${REGION}:${BOB}:queue`,
    })),
    UpdateEventSourceMapping: [{ ...uuid, BatchSize: 3 }],
    GetEventSourceMapping: [uuid],
    DeleteEventSourceMapping: [uuid],
  };
}

/** But for what runs behind the operations: the turns of what is provisioned. */
function rowsOf(harness: ScopesHarness): unknown {
  const { unfinished: _, ...rows } = harness.rows(ALICE);
  return rows;
}

describe("another account", () => {
  it.for([
    ["another account", BOB, REGION],
    ["the operator's own account", HOME, REGION],
    ["the account itself in another Region", ALICE, FAR_REGION],
  ] as const)("%s never sees, changes or deletes what is Alice's", async ([, account, region]) => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    const inputs = inputsBy(await furnish(harness));
    const implemented = Object.keys(harness.life.scopes.home.control.operations);
    // Those that are left out are refused, whoever asks.
    const refused = implemented.filter((operation) => !Object.hasOwn(inputs, operation));
    expect(refused.filter((operation) => !Object.hasOwn(REFUSED, operation))).toEqual([]);
    const before = rowsOf(harness);
    for (const operation of refused)
      expect(await harness.refusal(account, operation as OperationName, {}, region), operation).not.toBe("it was done");
    for (const [operation, each] of Object.entries(inputs)) {
      for (const input of each ?? []) {
        const answer = await harness
          .call(account, operation as OperationName, input, region)
          .then(JSON.stringify, (error: Error) => `${error.name}: ${error.message}`);
        expect(answer, `${operation} ${JSON.stringify(input)}`).not.toContain(SECRET);
        expect(rowsOf(harness), `${operation} ${JSON.stringify(input)}`).toEqual(before);
      }
    }
    expect(await harness.invoke(ALICE, "f")).toBe('"alice"');
  });
});
