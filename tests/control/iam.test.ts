/** IAM as it is recorded: names, ids, limits and refusals as AWS's, for all Regions of an account alike. */
import * as iam from "@aws-sdk/client-iam";
import { afterAll, beforeAll, describe, it } from "vitest";
import { refusalOf } from "../support/refusal.ts";
import { ALICE, BOB, FAR_REGION, HOME, REGION, ScopesHarness } from "./scopes-harness.ts";

let harness: ScopesHarness;
beforeAll(async () => {
  harness = await ScopesHarness.start({});
});
afterAll(() => harness[Symbol.asyncDispose]());

function clientOf(account: string, region = REGION): iam.IAMClient {
  const credentials = harness.keys.get(account);
  if (credentials === undefined) throw new Error(`no key of ${account}`);
  return new iam.IAMClient({ endpoint: `http://${harness.host}`, region, credentials, maxAttempts: 1 });
}

const document = (...statements: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const TRUST = document({ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" });
const READ = document({ Effect: "Allow", Action: "s3:GetObject", Resource: "*" });
const role = (RoleName: string, more: Partial<iam.CreateRoleCommandInput> = {}): iam.CreateRoleCommand =>
  new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST, ...more });

describe("a role", () => {
  it("is shown as it was made, in each Region, after a restart", async ({ expect }) => {
    const made = {
      Path: "/service-role/",
      Description: "writes logs",
      MaxSessionDuration: 7200,
      Tags: [{ Key: "team", Value: "a b" }],
    };
    const { Role } = await clientOf(ALICE).send(role("Writer", made));
    expect(Role).toMatchObject({
      ...made,
      RoleName: "Writer",
      RoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}$/),
      Arn: `arn:aws:iam::${ALICE}:role/service-role/Writer`,
      CreateDate: expect.any(Date),
    });
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).toBe(TRUST);
    await harness.restart();
    expect((await clientOf(ALICE, FAR_REGION).send(new iam.GetRoleCommand({ RoleName: "writer" }))).Role).toEqual({
      ...Role,
      RoleLastUsed: {},
    });
    expect(await refusalOf(clientOf(BOB).send(new iam.GetRoleCommand({ RoleName: "Writer" })))).toBe(
      "NoSuchEntityException: The role with name Writer cannot be found.",
    );
    expect(await refusalOf(clientOf(ALICE, FAR_REGION).send(role("WRITER")))).toBe(
      "EntityAlreadyExistsException: Role with name WRITER already exists.",
    );
  });

  it("goes when nothing hangs on it any more", async ({ expect }) => {
    const client = clientOf(HOME);
    const names = { RoleName: "busy", PolicyName: "inline", InstanceProfileName: "profile" };
    const PolicyArn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    await client.send(role("busy"));
    await client.send(new iam.PutRolePolicyCommand({ ...names, PolicyDocument: READ }));
    await client.send(new iam.AttachRolePolicyCommand({ ...names, PolicyArn }));
    await client.send(new iam.AttachRolePolicyCommand({ ...names, PolicyArn }));
    await client.send(new iam.CreateInstanceProfileCommand(names));
    await client.send(new iam.AddRoleToInstanceProfileCommand(names));
    const remove = (): Promise<string> => refusalOf(client.send(new iam.DeleteRoleCommand(names)));
    const conflict = "DeleteConflictException: Cannot delete entity, must";
    expect(await remove()).toBe(`${conflict} remove roles from instance profile first.`);
    expect(await refusalOf(client.send(new iam.DeleteInstanceProfileCommand(names)))).toMatch(/^DeleteConflict/);
    await client.send(new iam.RemoveRoleFromInstanceProfileCommand(names));
    expect(await remove()).toBe(`${conflict} detach all policies first.`);
    const { AttachedPolicies } = await client.send(new iam.ListAttachedRolePoliciesCommand(names));
    expect(AttachedPolicies).toEqual([{ PolicyName: "AWSLambdaBasicExecutionRole", PolicyArn }]);
    await client.send(new iam.DetachRolePolicyCommand({ ...names, PolicyArn }));
    expect(await refusalOf(client.send(new iam.DetachRolePolicyCommand({ ...names, PolicyArn })))).toBe(
      `NoSuchEntityException: Policy ${PolicyArn} was not found.`,
    );
    expect(await remove()).toBe(`${conflict} delete policies first.`);
    const inline = await client.send(new iam.GetRolePolicyCommand(names));
    expect(decodeURIComponent(inline.PolicyDocument ?? "")).toBe(READ);
    await client.send(new iam.DeleteRolePolicyCommand(names));
    expect(await refusalOf(client.send(new iam.GetRolePolicyCommand(names)))).toBe(
      "NoSuchEntityException: The role policy with name inline cannot be found.",
    );
    expect(await remove()).toBe("it was done");
    await client.send(new iam.DeleteInstanceProfileCommand(names));
    expect(await remove()).toBe("NoSuchEntityException: The role with name busy cannot be found.");
  });

  it("is changed", async ({ expect }) => {
    const client = clientOf(HOME);
    const names = { RoleName: "changed" };
    await client.send(role("changed", { Tags: [{ Key: "a", Value: "1" }] }));
    await client.send(new iam.UpdateRoleCommand({ ...names, Description: "new", MaxSessionDuration: 3700 }));
    const other = TRUST.replace("lambda", "ec2");
    await client.send(new iam.UpdateAssumeRolePolicyCommand({ ...names, PolicyDocument: other }));
    await client.send(
      new iam.TagRoleCommand({
        ...names,
        Tags: [
          { Key: "A", Value: "2" },
          { Key: "b", Value: "" },
        ],
      }),
    );
    await client.send(new iam.UntagRoleCommand({ ...names, TagKeys: ["B"] }));
    const { Role } = await client.send(new iam.GetRoleCommand(names));
    expect(Role).toMatchObject({ Description: "new", MaxSessionDuration: 3700, Tags: [{ Key: "A", Value: "2" }] });
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).toBe(other);
    expect((await client.send(new iam.ListRoleTagsCommand(names))).Tags).toEqual([{ Key: "A", Value: "2" }]);
  });

  it("may have names that JavaScript has, too", async ({ expect }) => {
    const client = clientOf(HOME);
    const names = { RoleName: "constructor", PolicyName: "__proto__" };
    expect(await refusalOf(client.send(new iam.GetRoleCommand(names)))).toMatch(/^NoSuchEntity/);
    await client.send(role("constructor"));
    expect(await refusalOf(client.send(new iam.GetRolePolicyCommand(names)))).toMatch(/^NoSuchEntity/);
    await client.send(new iam.PutRolePolicyCommand({ ...names, PolicyDocument: READ }));
    expect((await client.send(new iam.ListRolePoliciesCommand(names))).PolicyNames).toEqual(["__proto__"]);
    const tags = [{ Key: "__proto__", Value: "x" }];
    await client.send(new iam.TagRoleCommand({ ...names, Tags: tags }));
    expect((await client.send(new iam.ListRoleTagsCommand(names))).Tags).toEqual(tags);
  });

  it("is listed page by page, by path", async ({ expect }) => {
    const client = clientOf(BOB);
    for (const name of ["c", "a", "b", "d", "e"]) await client.send(role(name, { Path: "/listed/" }));
    await client.send(role("elsewhere"));
    const pages: string[][] = [];
    for await (const { Roles } of iam.paginateListRoles({ client, pageSize: 2 }, { PathPrefix: "/listed/" }))
      pages.push((Roles ?? []).map(({ RoleName = "" }) => RoleName));
    expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    expect(await refusalOf(client.send(new iam.ListRolesCommand({ Marker: "nonsense" })))).toMatch(/^InvalidInput/);
  });
});

describe("a managed policy", () => {
  it("has up to five versions, and goes with the last", async ({ expect }) => {
    const client = clientOf(ALICE);
    const { Policy } = await client.send(
      new iam.CreatePolicyCommand({ PolicyName: "p", Path: "/x/", PolicyDocument: READ }),
    );
    const PolicyArn = Policy?.Arn ?? "";
    expect(Policy).toMatchObject({
      Arn: `arn:aws:iam::${ALICE}:policy/x/p`,
      PolicyId: expect.stringMatching(/^ANPA[A-Z2-7]{17}$/),
      DefaultVersionId: "v1",
      AttachmentCount: 0,
      IsAttachable: true,
    });
    const write = READ.replace("Get", "Put");
    const version = (SetAsDefault: boolean): Promise<iam.CreatePolicyVersionCommandOutput> =>
      client.send(new iam.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: write, SetAsDefault }));
    expect((await version(true)).PolicyVersion).toMatchObject({ VersionId: "v2", IsDefaultVersion: true });
    for (let count = 0; count < 3; count++) await version(false);
    expect(await refusalOf(version(false))).toMatch(/^LimitExceededException: A managed policy can have up to 5 vers/);
    const get = (VersionId: string): Promise<iam.GetPolicyVersionCommandOutput> =>
      client.send(new iam.GetPolicyVersionCommand({ PolicyArn, VersionId }));
    expect(decodeURIComponent((await get("v1")).PolicyVersion?.Document ?? "")).toBe(READ);
    expect(decodeURIComponent((await get("v2")).PolicyVersion?.Document ?? "")).toBe(write);
    const remove = (VersionId: string): Promise<string> =>
      refusalOf(client.send(new iam.DeletePolicyVersionCommand({ PolicyArn, VersionId })));
    expect(await remove("v2")).toBe("DeleteConflictException: Cannot delete the default version of a policy.");
    await client.send(new iam.SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: "v5" }));
    for (const id of ["v1", "v2", "v3"]) expect(await remove(id)).toBe("it was done");
    const { Versions } = await client.send(new iam.ListPolicyVersionsCommand({ PolicyArn }));
    expect(Versions?.map(({ VersionId }) => VersionId)).toEqual(["v5", "v4"]);
    const whole = (): Promise<string> => refusalOf(client.send(new iam.DeletePolicyCommand({ PolicyArn })));
    expect(await whole()).toMatch(/^DeleteConflictException: This policy has more than one version/);
    await remove("v4");
    expect(await whole()).toBe("it was done");
    expect(await whole()).toBe(`NoSuchEntityException: Policy ${PolicyArn} was not found.`);
    const entries = JSON.stringify(harness.rows(ALICE)["account_entries"]);
    expect(entries).not.toMatch(/iamPolicy/);
  });

  it("can't go while a role has it, or is bounded by it", async ({ expect }) => {
    const client = clientOf(BOB);
    const { Policy } = await client.send(new iam.CreatePolicyCommand({ PolicyName: "used", PolicyDocument: READ }));
    const PolicyArn = Policy?.Arn ?? "";
    await client.send(role("bounded", { PermissionsBoundary: PolicyArn }));
    await client.send(new iam.AttachRolePolicyCommand({ RoleName: "bounded", PolicyArn }));
    const remove = (): Promise<string> => refusalOf(client.send(new iam.DeletePolicyCommand({ PolicyArn })));
    expect(await remove()).toBe("DeleteConflictException: Cannot delete a policy attached to entities.");
    expect((await client.send(new iam.GetPolicyCommand({ PolicyArn }))).Policy).toMatchObject({
      AttachmentCount: 1,
      PermissionsBoundaryUsageCount: 1,
    });
    expect((await client.send(new iam.ListEntitiesForPolicyCommand({ PolicyArn }))).PolicyRoles).toEqual([
      { RoleName: "bounded", RoleId: expect.stringMatching(/^AROA/) },
    ]);
    await client.send(new iam.DetachRolePolicyCommand({ RoleName: "bounded", PolicyArn }));
    expect(await remove()).toMatch(/^DeleteConflict/);
    await client.send(new iam.DeleteRolePermissionsBoundaryCommand({ RoleName: "bounded" }));
    expect(await remove()).toBe("it was done");
    expect(await refusalOf(client.send(new iam.AttachRolePolicyCommand({ RoleName: "bounded", PolicyArn })))).toBe(
      `NoSuchEntityException: Policy ${PolicyArn} does not exist or is not attachable.`,
    );
  });

  it("of two who attach and delete at once, one is refused", async ({ expect }) => {
    const client = clientOf(HOME);
    await client.send(role("raced"));
    for (let count = 0; count < 10; count++) {
      const { Policy } = await client.send(new iam.CreatePolicyCommand({ PolicyName: "raced", PolicyDocument: READ }));
      const names = { RoleName: "raced", PolicyArn: Policy?.Arn };
      const [attached, removed] = await Promise.all([
        refusalOf(client.send(new iam.AttachRolePolicyCommand(names))),
        refusalOf(client.send(new iam.DeletePolicyCommand(names))),
      ]);
      expect([attached, removed].filter((answer) => answer === "it was done")).toHaveLength(1);
      if (attached !== "it was done") continue;
      await client.send(new iam.DetachRolePolicyCommand(names));
      await client.send(new iam.DeletePolicyCommand(names));
    }
  });

  it("of AWS is found by its name", async ({ expect }) => {
    const client = clientOf(HOME);
    const names: string[] = [];
    for await (const { Policies } of iam.paginateListPolicies({ client, pageSize: 30 }, { Scope: "AWS" }))
      names.push(...(Policies ?? []).map(({ Arn = "" }) => Arn));
    expect(names).toContain("arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole");
    expect(new Set(names).size).toBe(names.length);
    expect((await client.send(new iam.ListPoliciesCommand({ Scope: "Local" }))).Policies).toEqual([]);
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
    expect((await client.send(new iam.GetPolicyCommand({ PolicyArn }))).Policy?.PolicyName).toBe("AmazonS3FullAccess");
    expect(await refusalOf(client.send(new iam.GetPolicyVersionCommand({ PolicyArn, VersionId: "v1" })))).toMatch(
      /^NoSuchEntityException: Thaw has the names of AWS's own policies/,
    );
    expect(await refusalOf(client.send(new iam.DeletePolicyCommand({ PolicyArn })))).toMatch(/^NoSuchEntity/);
  });
});

describe("what AWS refuses", () => {
  const allow = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
  const trust = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };
  it.for([
    ["no JSON", "{", /This policy contains invalid Json/],
    ["a resource", document({ ...trust, Resource: "*" }), /Has prohibited field Resource/],
    ["no principal", document({ ...trust, Principal: undefined }), /Missing required field Principal/],
    ["an action of S3", document({ ...trust, Action: "s3:GetObject" }), /may only specify STS AssumeRole actions/],
    ["an effect of its own", document({ ...trust, Effect: "Perhaps" }), /invalid Json/],
    ["no statements", document(), /invalid Json/],
  ] as const)("a trust policy with %s", async ([, AssumeRolePolicyDocument, why], { expect }) => {
    const refusal = await refusalOf(clientOf(HOME).send(role("refused", { AssumeRolePolicyDocument })));
    expect(refusal).toMatch(/^MalformedPolicyDocumentException: /);
    expect(refusal).toMatch(why);
  });

  it.for([
    ["no JSON", "[", /Syntax errors in policy\./],
    ["a null", "null", /Syntax errors in policy\./],
    ["an unknown element", document({ ...allow, Actoin: "x" }), /Syntax errors in policy\./],
    ["a principal", document({ ...allow, Principal: "*" }), /should not specify a principal/],
    ["no action", document({ ...allow, Action: [] }), /must contain actions/],
    ["an action without a service", document({ ...allow, Action: "GetObject" }), /must be prefaced by a vendor/],
    ["no resource", document({ ...allow, Resource: undefined }), /must contain resources/],
    ["a resource that is none", document({ ...allow, Resource: "bucket" }), /must be in ARN format or "\*"/],
    [
      "one name twice",
      document({ ...allow, Sid: "a" }, { ...allow, Sid: "a" }),
      /\(SID\) in a single policy must be uniq/,
    ],
    ["another version", READ.replace("2012", "2013"), /must be version 2012-10-17 or greater/],
  ] as const)("a policy with %s", async ([, PolicyDocument, why], { expect }) => {
    const refusal = await refusalOf(
      clientOf(HOME).send(new iam.CreatePolicyCommand({ PolicyName: "refused", PolicyDocument })),
    );
    expect(refusal).toMatch(/^MalformedPolicyDocumentException: /);
    expect(refusal).toMatch(why);
  });

  it.for([
    ["a name of 65 letters", role("x".repeat(65)), /^ValidationError: .*64/],
    ["a name with a slash", role("a/b"), /^ValidationError: /],
    ["a path without its end", role("r", { Path: "/a" }), /^ValidationError: /],
    ["a boundary that is no ARN", role("r", { PermissionsBoundary: "arn:aws:iam:policy/none-of-it" }), /^InvalidInput/],
    [
      "a boundary that is not there",
      role("r", { PermissionsBoundary: `arn:aws:iam::${HOME}:policy/none` }),
      /^NoSuchEnt/,
    ],
    [
      "tags that differ by case",
      role("r", {
        Tags: [
          { Key: "a", Value: "" },
          { Key: "A", Value: "" },
        ],
      }),
      /^InvalidInp/,
    ],
    ["a tag of AWS's", role("r", { Tags: [{ Key: "aws:x", Value: "" }] }), /^InvalidInput/],
    [
      "a trust policy that is too long",
      role("r", { AssumeRolePolicyDocument: TRUST + "x".repeat(2048) }),
      /^LimitExceed/,
    ],
  ] as const)("a role with %s", async ([, command, why], { expect }) => {
    expect(await refusalOf(clientOf(HOME).send(command))).toMatch(why);
  });

  it("users, by name; there are none", async ({ expect }) => {
    const client = clientOf(ALICE);
    expect(await refusalOf(client.send(new iam.CreateUserCommand({ UserName: "u" })))).toMatch(
      /^NotImplementedException: CreateUser is part of IAM, but .* access keys belong to accounts/,
    );
    expect(await refusalOf(client.send(new iam.GetUserCommand({ UserName: "u" })))).toBe(
      "NoSuchEntityException: The user with name u cannot be found.",
    );
    expect((await client.send(new iam.GetUserCommand({}))).User?.Arn).toBe(`arn:aws:iam::${ALICE}:root`);
    expect((await client.send(new iam.ListUsersCommand({}))).Users).toEqual([]);
  });
});

it("roles of services are theirs", async ({ expect }) => {
  const client = clientOf(HOME);
  const service = { AWSServiceName: "ecs.amazonaws.com" };
  const { Role } = await client.send(new iam.CreateServiceLinkedRoleCommand(service));
  expect(Role?.Arn).toBe(`arn:aws:iam::${HOME}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS`);
  expect(await refusalOf(client.send(new iam.CreateServiceLinkedRoleCommand(service)))).toMatch(/^InvalidInput/);
  const names = { RoleName: Role?.RoleName };
  expect(await refusalOf(client.send(new iam.DeleteRoleCommand(names)))).toMatch(/^UnmodifiableEntityException: /);
  const { DeletionTaskId } = await client.send(new iam.DeleteServiceLinkedRoleCommand(names));
  const status = await client.send(new iam.GetServiceLinkedRoleDeletionStatusCommand({ DeletionTaskId }));
  expect(status.Status).toBe("SUCCEEDED");
  expect(await refusalOf(client.send(new iam.GetRoleCommand(names)))).toMatch(/^NoSuchEntity/);
});
