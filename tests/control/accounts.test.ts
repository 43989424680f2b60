/** Several accounts and Regions: apart in everything, but for what one allows the other. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import type { OperationName } from "@thaw/aws-api";
import { REFUSED } from "@thaw/server/testing/control";
import { describe, expect, it } from "vitest";
import { ALICE, BOB, FAR_REGION, HOME, type Keys, REGION, ScopesHarness, send } from "./scopes-harness.ts";

type Input = Readonly<Record<string, unknown>>;

const SECRET = "only-for-alice";
/** By the content's name, which has the account in it. */
const FUNCTIONS = {
  hello: { handle: () => '"the operator"' },
  [`${ALICE}hello`]: { handle: () => '"alice"' },
  [`${BOB}hello`]: { handle: () => '"bob"' },
};
const ARN = `arn:aws:lambda:${REGION}:${ALICE}`;
const URL = { FunctionName: "f", AuthType: "NONE" };
const CODE = { ZipFile: Buffer.from("hello") };
const SIGNING = { AllowedPublishers: { SigningProfileVersionArns: ["arn:aws:signer:us-east-1:222222222222:/x/y/z"] } };

const QUEUE = `arn:aws:sqs:${REGION}:${ALICE}:${SECRET}`;

/** Gives Alice one of everything that an account can have. Returns what has an id that nobody chooses. */
async function furnish(harness: ScopesHarness): Promise<{ readonly signingArn: string; readonly uuid: string }> {
  const call = (operation: OperationName, input: Input): Promise<Input> => harness.call(ALICE, operation, input);
  const { CodeSigningConfig } = await call("CreateCodeSigningConfig", { ...SIGNING, Description: SECRET });
  const { CodeSigningConfigArn: signingArn } = CodeSigningConfig as { readonly CodeSigningConfigArn: string };
  await call("PublishLayerVersion", { LayerName: "l", Content: CODE, Description: SECRET });
  await call("AddLayerVersionPermission", {
    LayerName: "l",
    VersionNumber: 1,
    StatementId: SECRET,
    Action: "lambda:GetLayerVersion",
    Principal: "444444444444",
  });
  await harness.createFunction(ALICE, "f", "hello", {
    Description: SECRET,
    Tags: { owner: SECRET },
    Layers: [`${ARN}:layer:l:1`],
  });
  await call("PublishVersion", { FunctionName: "f", Description: SECRET });
  await call("CreateAlias", { FunctionName: "f", Name: "live", FunctionVersion: "1", Description: SECRET });
  await call("AddPermission", {
    FunctionName: "f",
    StatementId: SECRET,
    Action: "lambda:InvokeFunction",
    Principal: "s3.amazonaws.com",
  });
  await call("CreateFunctionUrlConfig", URL);
  await call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 77 });
  await call("PutFunctionEventInvokeConfig", { FunctionName: "f", MaximumRetryAttempts: 1 });
  await call("PutFunctionRecursionConfig", { FunctionName: "f", RecursiveLoop: "Allow" });
  await call("PutProvisionedConcurrencyConfig", {
    FunctionName: "f",
    Qualifier: "live",
    ProvisionedConcurrentExecutions: 1,
  });
  await call("PutRuntimeManagementConfig", { FunctionName: "f", UpdateRuntimeOn: "Auto" });
  const { UUID } = await call("CreateEventSourceMapping", { FunctionName: "f", EventSourceArn: QUEUE, Enabled: false });
  return { signingArn, uuid: String(UUID) };
}

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

it("functions of one name are apart: code, logs, limits, and what becomes of them", async () => {
  await using harness = await ScopesHarness.start(FUNCTIONS);
  for (const account of [HOME, ALICE, BOB]) await harness.createFunction(account, "f", "hello");
  await harness.call(ALICE, "PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 900 });
  const answers = (): Promise<readonly string[]> =>
    Promise.all([HOME, ALICE, BOB].map((account) => harness.invoke(account, "f")));
  expect(await answers()).toEqual(['"the operator"', '"alice"', '"bob"']);
  const settings = await harness.call(BOB, "GetAccountSettings", {});
  expect(settings["AccountUsage"]).toMatchObject({ FunctionCount: 1 });
  expect(await harness.call(BOB, "GetFunctionConcurrency", { FunctionName: "f" })).toEqual({});
  await harness.restart();
  expect(await answers()).toEqual(['"the operator"', '"alice"', '"bob"']);
  await harness.call(ALICE, "DeleteFunction", { FunctionName: "f" });
  expect(await harness.refusal(ALICE, "Invoke", { FunctionName: "f" })).toMatch(/^ResourceNotFoundException/);
  expect(await harness.invoke(BOB, "f")).toBe('"bob"');
  expect(readdirSync(join(harness.dataDir, "accounts")).toSorted()).toEqual([ALICE, BOB]);
  // Each has a user of its own: their sandboxes can't tell them apart by anything else.
  const users = [HOME, BOB].flatMap((account) => harness.rows(account)["functions"] ?? []);
  expect(new Set(users.map((row) => (/uid\\":(\d+)/.exec(row) ?? [])[1])).size).toBe(2);
});

it("a Region that the installation does not have is refused, and one without the function says so", async () => {
  await using harness = await ScopesHarness.start(FUNCTIONS);
  await harness.createFunction(ALICE, "f", "hello");
  expect(await harness.refusal(ALICE, "GetFunction", { FunctionName: "f" }, "ap-south-1")).toBe(
    "InvalidSignatureException: Credential should be scoped to a valid region, not 'ap-south-1'.",
  );
  expect(await harness.refusal(ALICE, "GetFunction", { FunctionName: "f" }, FAR_REGION)).toBe(
    `ResourceNotFoundException: Function not found: arn:aws:lambda:${FAR_REGION}:${ALICE}:function:f`,
  );
  expect(await harness.refusal(ALICE, "GetFunction", { FunctionName: `${ARN}:function:f` }, FAR_REGION)).toBe(
    `ResourceNotFoundException: Functions from '${REGION}' are not reachable in this region ('${FAR_REGION}')`,
  );
  await harness.createFunction(HOME, "f", "hello");
  expect(await harness.invoke(HOME, "f")).toBe('"the operator"');
});

describe("a policy", () => {
  const denied = (action: string, resource: string): string =>
    `AccessDeniedException: User: arn:aws:iam::${BOB}:root is not authorized to perform: lambda:${action} on resource: ${resource} because no resource-based policy allows the lambda:${action} action`;
  const arn = `${ARN}:function:f`;

  it("lets another account do what it says, to what it is of", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    await furnish(harness);
    const allow = (Action: string, more: Input = {}): Promise<Input> =>
      harness.call(ALICE, "AddPermission", {
        FunctionName: "f",
        StatementId: Action.slice(7),
        Action,
        Principal: BOB,
        ...more,
      });
    expect(await harness.refusal(BOB, "Invoke", { FunctionName: arn })).toBe(denied("InvokeFunction", arn));
    await allow("lambda:InvokeFunction");
    expect(await harness.invoke(BOB, arn)).toBe('"alice"');
    expect(await harness.invoke(BOB, `${ALICE}:function:f`)).toBe('"alice"');
    expect(await harness.refusal(BOB, "GetFunction", { FunctionName: arn })).toBe(denied("GetFunction", arn));
    expect(await harness.refusal(BOB, "Invoke", { FunctionName: `${arn}:live` })).toBe(
      denied("InvokeFunction", `${arn}:live`),
    );
    await allow("lambda:InvokeFunction", { Qualifier: "live" });
    expect(await harness.invoke(BOB, `${arn}:live`)).toBe('"alice"');
    await allow("lambda:GetFunction");
    const { Configuration } = await harness.call(BOB, "GetFunction", { FunctionName: arn });
    expect(Configuration).toMatchObject({ FunctionArn: arn });
    await harness.call(ALICE, "RemovePermission", { FunctionName: "f", StatementId: "InvokeFunction" });
    expect(await harness.refusal(BOB, "Invoke", { FunctionName: arn })).toBe(denied("InvokeFunction", arn));
  });

  it("says the same of what is not there, and of an account that is not there", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    for (const FunctionName of [`${ARN}:function:nothing`, `arn:aws:lambda:${REGION}:999999999999:function:nothing`])
      expect(await harness.refusal(BOB, "Invoke", { FunctionName })).toBe(denied("InvokeFunction", FunctionName));
  });

  it("with a condition that a call by a key does not meet allows nothing", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    await furnish(harness);
    const conditions: readonly Input[] = [
      { SourceArn: "arn:aws:s3:::bucket" },
      { SourceAccount: BOB },
      { EventSourceToken: "token" },
      { Principal: "*", PrincipalOrgID: "o-aaaaaaaaaa" },
      { Principal: "s3.amazonaws.com" },
      { Principal: `arn:aws:iam::${BOB}:user/somebody` },
    ];
    for (const [at, condition] of conditions.entries())
      await harness.call(ALICE, "AddPermission", {
        FunctionName: "f",
        StatementId: `s${at}`,
        Action: "lambda:InvokeFunction",
        Principal: BOB,
        ...condition,
      });
    expect(await harness.refusal(BOB, "Invoke", { FunctionName: arn })).toBe(denied("InvokeFunction", arn));
    const everybody = { FunctionName: "f", StatementId: "all", Action: "lambda:*", Principal: "*" };
    await harness.call(ALICE, "AddPermission", everybody);
    expect(await harness.invoke(BOB, arn)).toBe('"alice"');
  });

  it("of a layer lets another account have it in its functions, for good", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    await furnish(harness);
    const layer = `${ARN}:layer:l:1`;
    const config = { Layers: [layer] };
    const refused = denied("GetLayerVersion", layer);
    await expect(harness.createFunction(BOB, "g", "hello", config)).rejects.toThrow(refused.slice(23));
    expect(await harness.refusal(BOB, "GetLayerVersionByArn", { Arn: layer })).toBe(refused);
    await harness.call(ALICE, "AddLayerVersionPermission", {
      LayerName: "l",
      VersionNumber: 1,
      StatementId: "bob",
      Action: "lambda:GetLayerVersion",
      Principal: BOB,
    });
    await harness.createFunction(BOB, "g", "hello", config);
    expect(await harness.call(BOB, "GetLayerVersionByArn", { Arn: layer })).toMatchObject({ LayerVersionArn: layer });
    expect(await harness.call(BOB, "GetLayerVersion", { LayerName: `${ARN}:layer:l`, VersionNumber: 1 })).toMatchObject(
      {
        LayerVersionArn: layer,
      },
    );
    await harness.call(ALICE, "DeleteLayerVersion", { LayerName: "l", VersionNumber: 1 });
    await harness.restart();
    expect(await harness.invoke(BOB, "g")).toBe('"bob"');
  });
});

describe("a function's own credentials", () => {
  /** What the runtime's client has in its environment. */
  const tell = {
    handle: (process: { readonly env: Readonly<Record<string, string | undefined>> }): string =>
      JSON.stringify({
        accessKeyId: process.env["AWS_ACCESS_KEY_ID"],
        secretAccessKey: process.env["AWS_SECRET_ACCESS_KEY"],
        sessionToken: process.env["AWS_SESSION_TOKEN"],
      }),
  };
  const functions = { ...FUNCTIONS, keys: tell, [`${ALICE}keys`]: tell };

  it("are its account's, also after a restart, until it is gone", async () => {
    await using harness = await ScopesHarness.start(functions);
    await harness.createFunction(ALICE, "f", "keys");
    await harness.createFunction(BOB, "g", "hello");
    const keys = JSON.parse(await harness.invoke(ALICE, "f")) as Keys;
    const list = async (): Promise<unknown> =>
      (await harness.clientWith(keys).send(new ListFunctionsCommand({}))).Functions?.map(
        ({ FunctionName }) => FunctionName,
      );
    expect(await list()).toEqual(["f"]);
    await harness.restart();
    expect(await list()).toEqual(["f"]);
    const denied = `User: arn:aws:sts::${ALICE}:assumed-role/test/f is not authorized to perform: lambda:InvokeFunction`;
    const FunctionName = `arn:aws:lambda:${REGION}:${BOB}:function:g`;
    await expect(send(harness.clientWith(keys), "Invoke", { FunctionName })).rejects.toThrow(denied);
    for (const wrong of [
      { ...keys, sessionToken: `${keys.sessionToken}A` },
      { ...keys, accessKeyId: "ASIAOTHER" },
    ])
      await expect(send(harness.clientWith(wrong), "ListFunctions", {})).rejects.toThrow(/security token/);
    await expect(send(harness.clientWith({ ...keys, secretAccessKey: "wrong" }), "ListFunctions", {})).rejects.toThrow(
      /signature/,
    );
    await harness.call(ALICE, "DeleteFunction", { FunctionName: "f" });
    await harness.thaw(HOME, "POST", "accounts/remove", { accountId: ALICE });
    await expect(list()).rejects.toThrow(/security token/);
  });

  it("of the operator's account are not the operator's", async () => {
    await using harness = await ScopesHarness.start(functions);
    await harness.createFunction(HOME, "f", "keys");
    const keys = JSON.parse(await harness.invoke(HOME, "f")) as Keys;
    for (const [method, path] of [
      ["GET", "accounts"],
      ["GET", "host"],
      ["GET", "environments"],
    ] as const)
      expect(await harness.thawWith(keys, method, path)).toEqual([
        403,
        expect.stringContaining("credentials of a function"),
      ]);
  });
});

describe("accounts", () => {
  it("other than the home's are shown what is their own, and nothing of the host", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    await harness.createFunction(ALICE, "f", "hello");
    await harness.createFunction(HOME, "f", "hello");
    for (const account of [ALICE, HOME]) await harness.invoke(account, "f");
    const environments = async (account: string): Promise<unknown> => {
      const [, text] = await harness.thaw(account, "GET", "environments");
      return (JSON.parse(text) as { environments: Array<{ accountId: string }> }).environments.map(
        ({ accountId }) => accountId,
      );
    };
    expect(await environments(ALICE)).toEqual([ALICE]);
    expect(await environments(BOB)).toEqual([]);
    expect(await environments(HOME)).toEqual([HOME]);
    expect(await harness.thaw(BOB, "POST", "environments/stop", {})).toEqual([200, '{"stopped":0}\n']);
    expect(await environments(ALICE)).toEqual([ALICE]);
    expect((await harness.thaw(BOB, "GET", "logs/f"))[0]).toBe(404);
    for (const path of [
      "accounts",
      "host",
      "metrics",
      "runtimes",
      "keys",
      "code/code-0000000000000000000000000000000000000000",
    ])
      expect(await harness.thaw(ALICE, "GET", path), path).toEqual([403, expect.stringContaining("operator's key")]);
  });

  it("are added, get other keys, and go with all that they have", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    const carol = "555555555555";
    const ask = async (path: string, body: object): Promise<readonly [number, Input]> => {
      const [status, text] = await harness.thaw(HOME, "POST", `accounts/${path}`, body);
      return [status, JSON.parse(text) as Input];
    };
    const keyOf = async (path: string, body: object): Promise<Keys> => (await ask(path, body))[1] as unknown as Keys;
    const works = (keys: Keys): Promise<boolean> =>
      send(harness.clientWith(keys), "ListFunctions", {}).then(
        () => true,
        () => false,
      );
    const first = await keyOf("add", { accountId: carol, name: "carol" });
    expect((await ask("add", { accountId: carol }))[0]).toBe(409);
    expect((await ask("add", { accountId: "12" }))[0]).toBe(400);
    const second = await keyOf("rotate", { accountId: carol });
    expect(await Promise.all([first, second].map(works))).toEqual([true, true]);
    const third = await keyOf("rotate", { accountId: carol });
    expect(await Promise.all([first, second, third].map(works))).toEqual([false, true, true]);
    await harness.restart();
    const fourth = await keyOf("rotate", { accountId: carol, immediate: true });
    expect(await Promise.all([second, third, fourth].map(works))).toEqual([false, false, true]);
    harness.keys.set(carol, fourth);
    await harness.createFunction(carol, "f", "hello");
    const [status, { message }] = await ask("remove", { accountId: carol });
    expect([status, message]).toEqual([409, expect.stringContaining("still has 1 functions")]);
    await harness.call(carol, "DeleteFunction", { FunctionName: "f" });
    expect((await ask("remove", { accountId: carol }))[0]).toBe(200);
    expect(await works(fourth)).toBe(false);
    expect(readdirSync(join(harness.dataDir, "accounts"))).not.toContain(carol);
    expect((await ask("remove", { accountId: HOME }))[0]).toBe(400);
  });
});
