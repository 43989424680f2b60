/** Several accounts and Regions: apart in everything, but for what one allows the other. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ListFunctionsCommand, waitUntilPublishedVersionActive } from "@aws-sdk/client-lambda";
import { describe, expect, it } from "vitest";
import { ARN, FUNCTIONS, furnish, type Input } from "./furnished-account.ts";
import { ALICE, BOB, FAR_REGION, HOME, type Keys, REGION, ScopesHarness, send } from "./scopes-harness.ts";

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

it("log groups of one name are apart", async () => {
  await using harness = await ScopesHarness.start(FUNCTIONS);
  for (const account of [HOME, ALICE]) {
    await harness.createFunction(account, "f", "hello");
    await harness.invoke(account, "f");
  }
  const group = "/aws/lambda/f";
  const arnOf = (account: string): string => `arn:aws:logs:${REGION}:${account}:log-group:${group}`;
  const groups = (account: string, region?: string): Promise<string> =>
    harness.logs(account, "DescribeLogGroups", {}, region);
  expect(await groups(ALICE)).toContain(arnOf(ALICE));
  for (const other of [await groups(BOB), await groups(HOME), await groups(ALICE, FAR_REGION)])
    expect(other).not.toContain(arnOf(ALICE));
  const missing = /ResourceNotFoundException.*The specified log group does not exist/;
  for (const input of [{ logGroupName: group }, { logGroupIdentifier: arnOf(ALICE) }])
    expect(await harness.logs(BOB, "FilterLogEvents", input)).toMatch(missing);
  expect(await harness.logs(BOB, "DeleteLogGroup", { logGroupName: group })).toMatch(missing);
  expect(await harness.logs(HOME, "DeleteLogGroup", { logGroupName: group })).toBe("");
  expect(await harness.logs(ALICE, "FilterLogEvents", { logGroupName: group })).toContain("START RequestId");
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

  it("for the organization of the installation lets every account call and read", async () => {
    await using harness = await ScopesHarness.start(FUNCTIONS);
    await furnish(harness);
    const own = { Principal: "*", PrincipalOrgID: "o-exampleorg1" };
    const permission = { FunctionName: "f", StatementId: "own", Action: "lambda:InvokeFunction", ...own };
    await harness.call(ALICE, "AddPermission", permission);
    expect(await harness.invoke(BOB, arn)).toBe('"alice"');
    const layer = { LayerName: "l", VersionNumber: 1, Action: "lambda:GetLayerVersion", Principal: "*" };
    const read = (): Promise<string> => harness.refusal(BOB, "GetLayerVersionByArn", { Arn: `${ARN}:layer:l:1` });
    for (const [StatementId, OrganizationId] of [
      ["other", "o-aaaaaaaaaa"],
      ["own", "o-exampleorg1"],
    ]) {
      expect(await read()).toBe(denied("GetLayerVersion", `${ARN}:layer:l:1`));
      await harness.call(ALICE, "AddLayerVersionPermission", { ...layer, StatementId, OrganizationId });
    }
    expect(await read()).toBe("it was done");
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

it("a start reads the versions of the home once: with thousands of them, that is most of it", async () => {
  await using harness = await ScopesHarness.start(FUNCTIONS);
  for (const account of [HOME, ALICE]) await harness.createFunction(account, "f", "hello");
  await harness.restart();
  // What the home's events begin may change rows of others.
  expect(harness.readAtStart.toSorted()).toEqual([HOME, ALICE, ALICE]);
  expect(harness.problems).toEqual([]);
});

it("snapshots of all accounts and Regions outlive a restart, and what nobody names does not", async () => {
  let inits = 0;
  const counted = { init: () => void inits++, handle: () => '"a clone"' };
  await using harness = await ScopesHarness.start({
    counted,
    [`${ALICE}counted`]: counted,
    [`${BOB}counted`]: counted,
  });
  const places = [
    [HOME, REGION],
    [ALICE, REGION],
    [ALICE, FAR_REGION],
    [BOB, REGION],
  ] as const;
  for (const [account, region] of places) {
    await harness.createFunction(account, "f", "counted", { SnapStart: { ApplyOn: "PublishedVersions" } }, region);
    await harness.call(account, "PublishVersion", { FunctionName: "f" }, region);
    await waitUntilPublishedVersionActive(
      { client: harness.client(account, region), maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
      { FunctionName: "f", Qualifier: "1" },
    );
  }
  expect([inits, harness.engine.disk.snapshots.size]).toEqual([places.length, places.length]);
  await harness.restart();
  for (const [account, region] of places) expect(await harness.invoke(account, "f:1", region)).toBe('"a clone"');
  expect([inits, harness.engine.disk.snapshots.size]).toEqual([places.length, places.length]);
  await harness.call(ALICE, "DeleteFunction", { FunctionName: "f" }, FAR_REGION);
  await harness.restart();
  expect(harness.engine.disk.snapshots.size).toBe(places.length - 1);
  expect(await harness.invoke(ALICE, "f:1")).toBe('"a clone"');
});

it("a function URL is its owner's, in its own Region, and takes other accounts that its policy allows", async () => {
  const echo = { handle: (_process: unknown, { payload }: { readonly payload: string }): string => payload.toString() };
  await using harness = await ScopesHarness.start({ [`${ALICE}echo`]: echo });
  const urlOf = async (AuthType: string, region: string): Promise<string> => {
    await harness.createFunction(ALICE, "u", "echo", {}, region);
    const { FunctionUrl } = await harness.call(
      ALICE,
      "CreateFunctionUrlConfig",
      { FunctionName: "u", AuthType },
      region,
    );
    return String(FunctionUrl);
  };
  const allow = (more: Input, region: string): Promise<Input> =>
    harness.call(
      ALICE,
      "AddPermission",
      { FunctionName: "u", StatementId: "url", Action: "lambda:InvokeFunctionUrl", ...more },
      region,
    );
  const [bob = null, alice = null] = [BOB, ALICE].map((account) => harness.keys.get(account));

  const open = await urlOf("NONE", FAR_REGION);
  expect(new URL(open).hostname).toMatch(/\.lambda-url\.eu-west-1\.localhost$/);
  await allow({ Principal: "*", FunctionUrlAuthType: "NONE" }, FAR_REGION);
  expect((await harness.fetchUrl(open, null))[0]).toBe(200);
  // Its name in another Region is nobody's.
  expect(await harness.fetchUrl(open.replace(FAR_REGION, REGION), null)).toEqual([403, '{"Message":null}']);

  const signed = await urlOf("AWS_IAM", REGION);
  expect((await harness.fetchUrl(signed, alice))[0]).toBe(200);
  expect((await harness.fetchUrl(signed, bob))[0]).toBe(403);
  expect((await harness.fetchUrl(signed, alice, FAR_REGION))[0]).toBe(403);
  await allow({ Principal: BOB, FunctionUrlAuthType: "AWS_IAM" }, REGION);
  const [status, text] = await harness.fetchUrl(signed, bob);
  const { requestContext } = JSON.parse(text) as { readonly requestContext: Input };
  expect([status, requestContext["accountId"], requestContext["authorizer"]]).toEqual([
    200,
    BOB,
    { iam: expect.objectContaining({ accountId: BOB, userArn: `arn:aws:iam::${BOB}:root` }) },
  ]);

  // Whose an id is is known after a restart, and forgotten with the URL.
  await harness.restart();
  expect((await harness.fetchUrl(signed, bob))[0]).toBe(200);
  await harness.call(ALICE, "DeleteFunctionUrlConfig", { FunctionName: "u" });
  expect(await harness.fetchUrl(signed, bob)).toEqual([403, '{"Message":null}']);
  expect((await harness.fetchUrl(open, null))[0]).toBe(200);
  await harness.call(ALICE, "DeleteFunction", { FunctionName: "u" }, FAR_REGION);
  expect(await harness.fetchUrl(open, null)).toEqual([403, '{"Message":null}']);
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
      "debug/f",
      "debug/f/connections/c",
    ])
      expect(await harness.thaw(ALICE, "GET", path), path).toEqual([403, expect.stringContaining("operator's key")]);
    expect((await harness.thaw(ALICE, "POST", "debug/f/continue"))[0]).toBe(403);
    expect((await harness.thaw(HOME, "POST", "debug/f/continue"))[0]).toBe(404);
    expect((await harness.thaw(HOME, "GET", "debug/f/connections/c"))[0]).toBe(404);
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
    await harness.invoke(carol, "f");
    expect((await harness.thaw(carol, "GET", "logs/f"))[0]).toBe(200);
    const [status, { message }] = await ask("remove", { accountId: carol });
    expect([status, message]).toEqual([409, expect.stringContaining("still has 1 functions")]);
    await harness.call(carol, "DeleteFunction", { FunctionName: "f" });
    expect((await ask("remove", { accountId: carol }))[0]).toBe(200);
    expect(await works(fourth)).toBe(false);
    expect(readdirSync(join(harness.dataDir, "accounts"))).not.toContain(carol);
    expect((await ask("remove", { accountId: HOME }))[0]).toBe(400);
    // The next account of this number begins with nothing.
    harness.keys.set(carol, await keyOf("add", { accountId: carol }));
    expect((await harness.thaw(carol, "GET", "logs/f"))[0]).toBe(404);
  });
});
