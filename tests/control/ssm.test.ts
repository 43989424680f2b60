/** Parameters of Systems Manager by AWS's client: versions, labels, paths, secure values, and what AWS refuses. */
import * as ssm from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, it } from "vitest";
import { refusalOf } from "../support/refusal.ts";
import { ALICE, BOB, FAR_REGION, HOME, REGION, ScopesHarness } from "./scopes-harness.ts";

let harness: ScopesHarness;
beforeAll(async () => {
  harness = await ScopesHarness.start({});
});
afterAll(() => harness[Symbol.asyncDispose]());

function clientOf(account: string, region = REGION): ssm.SSMClient {
  const credentials = harness.keys.get(account);
  if (credentials === undefined) throw new Error(`no key of ${account}`);
  return new ssm.SSMClient({ endpoint: `http://${harness.host}`, region, credentials, maxAttempts: 1 });
}

const put = (Name: string, Value: string, more: Partial<ssm.PutParameterCommandInput> = {}): ssm.PutParameterCommand =>
  new ssm.PutParameterCommand({ Name, Value, Type: "String", ...more });
const get = async (client: ssm.SSMClient, Name: string, WithDecryption = false): Promise<ssm.Parameter | undefined> =>
  (await client.send(new ssm.GetParameterCommand({ Name, WithDecryption }))).Parameter;

describe("a parameter", () => {
  it("has versions, each with its value, after a restart too", async ({ expect }) => {
    const name = "/app/db/host";
    expect(await clientOf(ALICE).send(put(name, "one", { Description: "where" }))).toMatchObject({
      Version: 1,
      Tier: "Standard",
    });
    expect(await refusalOf(clientOf(ALICE).send(put(name, "two")))).toMatch(/^ParameterAlreadyExists: The parameter/);
    await clientOf(ALICE).send(put(name, "two", { Overwrite: true }));
    await harness.restart();
    const client = clientOf(ALICE);
    expect(await get(client, name)).toEqual({
      Name: name,
      Type: "String",
      Value: "two",
      Version: 2,
      LastModifiedDate: expect.any(Date),
      ARN: `arn:aws:ssm:${REGION}:${ALICE}:parameter${name}`,
      DataType: "text",
    });
    expect(await get(client, `${name}:1`)).toMatchObject({ Value: "one", Selector: ":1" });
    expect(await get(client, `arn:aws:ssm:${REGION}:${ALICE}:parameter${name}:1`)).toMatchObject({ Value: "one" });
    expect(await refusalOf(get(client, `${name}:3`))).toMatch(/^ParameterVersionNotFound: .*version 3 of/);
    for (const other of [clientOf(BOB), clientOf(ALICE, FAR_REGION)])
      expect(await refusalOf(get(other, name))).toMatch(/^ParameterNotFound: /);
    const history = await client.send(new ssm.GetParameterHistoryCommand({ Name: name }));
    expect(history.Parameters).toMatchObject([
      { Version: 1, Value: "one", Description: "where", LastModifiedUser: `arn:aws:iam::${ALICE}:root` },
      { Version: 2, Value: "two" },
    ]);
    await client.send(new ssm.DeleteParameterCommand({ Name: name }));
    expect(await refusalOf(client.send(new ssm.DeleteParameterCommand({ Name: name })))).toMatch(/^ParameterNotFound/);
    expect(JSON.stringify(harness.rows(ALICE)["account_entries"] ?? [])).not.toContain("ssmParameter");
  });

  it("without a slash has one in its ARN", async ({ expect }) => {
    const client = clientOf(HOME);
    await client.send(put("plain", "x"));
    const arn = `arn:aws:ssm:${REGION}:${HOME}:parameter/plain`;
    expect(await get(client, "plain")).toMatchObject({ ARN: arn });
    expect(await get(client, arn)).toMatchObject({ Name: "plain" });
  });

  it("keeps a hundred versions, and a labelled one is never lost", async ({ expect }) => {
    const client = clientOf(HOME);
    for (let count = 1; count <= 101; count++) await client.send(put("many", `v${count}`, { Overwrite: true }));
    expect(await refusalOf(get(client, "many:1"))).toMatch(/^ParameterVersionNotFound/);
    expect(await get(client, "many:2")).toMatchObject({ Value: "v2" });
    const labelled = { Name: "many", ParameterVersion: 2, Labels: ["kept", "aws-no", "1st"] };
    expect(await client.send(new ssm.LabelParameterVersionCommand(labelled))).toMatchObject({
      ParameterVersion: 2,
      InvalidLabels: ["aws-no", "1st"],
    });
    expect(await get(client, "many:kept")).toMatchObject({ Value: "v2", Selector: ":kept" });
    expect(await refusalOf(client.send(put("many", "x", { Overwrite: true })))).toMatch(
      /^ParameterMaxVersionLimitExceeded: /,
    );
    await client.send(new ssm.LabelParameterVersionCommand({ Name: "many", Labels: ["kept"] }));
    expect(await get(client, "many:kept")).toMatchObject({ Value: "v101" });
    await client.send(put("many", "x", { Overwrite: true }));
    const gone = { Name: "many", ParameterVersion: 101, Labels: ["kept", "other"] };
    expect(await client.send(new ssm.UnlabelParameterVersionCommand(gone))).toMatchObject({
      RemovedLabels: ["kept"],
      InvalidLabels: ["other"],
    });
    expect(await refusalOf(get(client, "many:kept"))).toMatch(/^ParameterVersionNotFound: .*label kept/);
    await client.send(new ssm.DeleteParameterCommand({ Name: "many" }));
  });

  it("that is secure is on the disk as nobody can read it", async ({ expect }) => {
    const client = clientOf(BOB);
    const secret = "correct horse battery staple";
    await client.send(put("/secret", secret, { Type: "SecureString" }));
    await client.send(put("/secret", `${secret} 2`, { Type: "SecureString", Overwrite: true }));
    expect(await get(client, "/secret", true)).toMatchObject({ Type: "SecureString", Value: `${secret} 2` });
    expect(await get(client, "/secret:1", true)).toMatchObject({ Value: secret });
    expect((await get(client, "/secret"))?.Value).not.toContain("horse");
    expect(JSON.stringify(harness.rows(BOB))).not.toContain("horse");
    expect((await client.send(new ssm.DescribeParametersCommand({}))).Parameters).toMatchObject([
      { Name: "/secret", KeyId: "alias/aws/ssm" },
    ]);
    await client.send(new ssm.DeleteParameterCommand({ Name: "/secret" }));
  });

  it("has tags", async ({ expect }) => {
    const client = clientOf(HOME);
    await client.send(put("tagged", "x", { Tags: [{ Key: "a", Value: "1" }] }));
    const resource = { ResourceType: "Parameter" as const, ResourceId: "tagged" };
    await client.send(new ssm.AddTagsToResourceCommand({ ...resource, Tags: [{ Key: "b", Value: "2" }] }));
    await client.send(new ssm.RemoveTagsFromResourceCommand({ ...resource, TagKeys: ["a"] }));
    const { TagList } = await client.send(new ssm.ListTagsForResourceCommand(resource));
    expect(TagList).toEqual([{ Key: "b", Value: "2" }]);
    const other = { ...resource, ResourceId: "none" };
    expect(await refusalOf(client.send(new ssm.ListTagsForResourceCommand(other)))).toMatch(/^InvalidResourceId/);
  });
});

describe("lists", () => {
  it("go by path, by filter and by pages", async ({ expect }) => {
    const client = clientOf(ALICE);
    const names = ["/p/a", "/p/b", "/p/sub/c", "/p/sub/d", "/pp/e", "flat"];
    for (const name of names) await client.send(put(name, `of ${name}`));
    const below = async (input: ssm.GetParametersByPathCommandInput): Promise<(string | undefined)[]> =>
      ((await client.send(new ssm.GetParametersByPathCommand(input))).Parameters ?? []).map(({ Name }) => Name);
    expect(await below({ Path: "/p" })).toEqual(["/p/a", "/p/b"]);
    expect(await below({ Path: "/p/", Recursive: true })).toEqual(["/p/a", "/p/b", "/p/sub/c", "/p/sub/d"]);
    const pages: number[] = [];
    const wish = { Path: "/p", Recursive: true };
    for await (const { Parameters } of ssm.paginateGetParametersByPath({ client, pageSize: 3 }, wish))
      pages.push(Parameters?.length ?? 0);
    expect(pages).toEqual([3, 1]);
    const described = async (filter: ssm.ParameterStringFilter): Promise<(string | undefined)[]> => {
      const { Parameters = [] } = await client.send(new ssm.DescribeParametersCommand({ ParameterFilters: [filter] }));
      return Parameters.map(({ Name }) => Name);
    };
    expect(await described({ Key: "Name", Option: "Contains", Values: ["sub"] })).toEqual(["/p/sub/c", "/p/sub/d"]);
    expect(await described({ Key: "Path", Option: "OneLevel", Values: ["/pp"] })).toEqual(["/pp/e"]);
    expect(await described({ Key: "Type", Values: ["SecureString"] })).toEqual([]);
    expect(await refusalOf(described({ Key: "Name", Option: "Nope", Values: ["x"] }))).toMatch(/^InvalidFilterOption/);
    const several = await client.send(new ssm.GetParametersCommand({ Names: ["flat", "none", "/p/a:9"] }));
    expect(several.Parameters?.map(({ Value }) => Value)).toEqual(["of flat"]);
    expect(several.InvalidParameters).toEqual(["none", "/p/a:9"]);
    expect(await client.send(new ssm.DeleteParametersCommand({ Names: [...names, "none"] }))).toMatchObject({
      DeletedParameters: names,
      InvalidParameters: ["none"],
    });
  });
});

describe("what AWS refuses", () => {
  it.for([
    ["no type", put("n", "x", { Type: undefined }), /^ValidationException: A parameter type is required/],
    [
      "a path without its slash",
      put("a/b", "x"),
      /^ValidationException: Parameter name must be a fully qualified name/,
    ],
    ["a name of AWS's", put("/aws/mine", "x"), /^AccessDeniedException: No access to reserved parameter name/],
    ["a name of SSM's", put("SSMname", "x"), /^ValidationException: .*prefixed with "ssm"/],
    ["a space", put("a b", "x"), /^ValidationException: /],
    ["16 levels", put("/a".repeat(16), "x"), /^HierarchyLevelLimitExceededException: /],
    ["an empty value", put("n", ""), /^ValidationException: Parameter value can't be empty/],
    ["5000 bytes", put("n", "x".repeat(5000)), /^ValidationException: Standard tier/],
    ["9000 bytes", put("n", "x".repeat(9000), { Tier: "Advanced" }), /^ValidationException: Advanced tier/],
    [
      "a pattern",
      put("n", "x", { AllowedPattern: "(a+)+" }),
      /^ValidationException: Thaw does not have AllowedPattern/,
    ],
    [
      "a policy",
      put("n", "x", { Policies: '[{"Type":"Expiration"}]' }),
      /^ValidationException: Thaw does not have Poli/,
    ],
    ["a key for a plain text", put("n", "x", { KeyId: "alias/aws/ssm" }), /^ValidationException: KeyId/],
    [
      "tags and an overwrite",
      put("n", "x", { Overwrite: true, Tags: [{ Key: "a", Value: "b" }] }),
      /^ValidationException: Invalid request: tags and overwrite can't be used together/,
    ],
    ["a tag of AWS's", put("n", "x", { Tags: [{ Key: "aws:a", Value: "b" }] }), /^ValidationException: /],
  ] as const)("%s", async ([, command, why], { expect }) => {
    expect(await refusalOf(clientOf(HOME).send(command))).toMatch(why);
  });

  it("another type, and AWS's public parameters, which are not there", async ({ expect }) => {
    const client = clientOf(HOME);
    await client.send(put("typed", "x", { Tier: "Intelligent-Tiering" }));
    const secure = put("typed", "x", { Type: "SecureString", Overwrite: true });
    expect(await refusalOf(client.send(secure))).toMatch(/^HierarchyTypeMismatchException: /);
    expect(await refusalOf(get(client, "/aws/service/ami-amazon-linux-latest/x"))).toMatch(
      /^ParameterNotFound: Thaw does not have AWS's public parameters/,
    );
    expect(await refusalOf(client.send(new ssm.ListDocumentsCommand({})))).toMatch(
      /^NotImplementedException: ListDocuments is part of Systems Manager, but Thaw does not have it/,
    );
  });
});
