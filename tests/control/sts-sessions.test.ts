/** Sessions of STS: made by AWS's client, and known by every service until their time is over. */
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type Credentials,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CloudFormationClient, ListStacksCommand } from "@aws-sdk/client-cloudformation";
import { ApiGatewayV2Client, GetApisCommand } from "@aws-sdk/client-apigatewayv2";
import { systemRandom } from "@thaw/server/testing/base";
import { FakeClock } from "@thaw/server/testing/fakes";
import { SessionCredentialSource } from "@thaw/server/testing/main";
import { afterAll, beforeAll, describe, it } from "vitest";
import { refusalOf } from "../support/refusal.ts";
import { SESSION_SECRET } from "./http-harness.ts";
import { ALICE, BOB, HOME, type Keys, REGION, ScopesHarness } from "./scopes-harness.ts";

const ROLE = `arn:aws:iam::${ALICE}:role/deploy/deployer`;

let harness: ScopesHarness;
beforeAll(async () => {
  harness = await ScopesHarness.start({ good: { handle: () => "1" } });
});
afterAll(() => harness[Symbol.asyncDispose]());

const settings = (credentials: Keys) => ({
  endpoint: `http://${harness.host}`,
  region: REGION,
  credentials,
  maxAttempts: 1,
});
const keysOf = (account: string): Keys => harness.keys.get(account) ?? { accessKeyId: "", secretAccessKey: "" };
const whoIs = async (keys: Keys): Promise<string | undefined> =>
  (await new STSClient(settings(keys)).send(new GetCallerIdentityCommand({}))).Arn;

async function assume(keys: Keys, more: Partial<AssumeRoleCommandInput> = {}) {
  const input = { RoleArn: ROLE, RoleSessionName: "me", ...more };
  const answer = await new STSClient(settings(keys)).send(new AssumeRoleCommand(input));
  return { user: answer.AssumedRoleUser, expires: answer.Credentials?.Expiration, keys: toKeys(answer.Credentials) };
}

function toKeys(given: Credentials | undefined): Keys {
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = given ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

describe("a role that an account assumes", () => {
  it("acts for its account, and for nobody else", async ({ expect }) => {
    await harness.createFunction(ALICE, "hers", "good");
    const before = Date.now();
    const { user, expires, keys } = await assume(keysOf(ALICE), { DurationSeconds: 900 });
    expect(keys.accessKeyId).toMatch(/^ASIA[0-9A-F]{16}$/);
    expect(user).toEqual({
      Arn: `arn:aws:sts::${ALICE}:assumed-role/deployer/me`,
      AssumedRoleId: expect.stringMatching(/^AROA[0-9A-F]{17}:me$/),
    });
    expect(expires?.getTime()).toBeGreaterThanOrEqual(before + 899_000);
    expect(expires?.getTime()).toBeLessThanOrEqual(Date.now() + 900_000);
    expect(await whoIs(keys)).toBe(user?.Arn);
    const { Functions } = await new LambdaClient(settings(keys)).send(new ListFunctionsCommand({}));
    expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual(["hers"]);
    expect((await harness.thawWith(keys, "GET", "snapshots"))[0]).toBe(200);
  });

  it("is still known after a restart of the server", async ({ expect }) => {
    const { keys, user } = await assume(keysOf(ALICE));
    await harness.restart();
    expect(await whoIs(keys)).toBe(user?.Arn);
    const wrong = { ...keys, secretAccessKey: `${keys.secretAccessKey.slice(0, -1)}!` };
    expect(await refusalOf(whoIs(wrong))).toMatch(/^SignatureDoesNotMatch: /);
    const { sessionToken = "" } = keys;
    const changed = { ...keys, sessionToken: `${sessionToken.startsWith("A") ? "B" : "A"}${sessionToken.slice(1)}` };
    expect(await refusalOf(whoIs(changed))).toMatch(/^InvalidClientTokenId: /);
    const { sessionToken: _, ...withoutToken } = keys;
    expect(await refusalOf(whoIs(withoutToken))).toMatch(/^InvalidClientTokenId: /);
  });

  it("can't do what is the operator's or another account's", async ({ expect }) => {
    const ofHome = await assume(keysOf(HOME), { RoleArn: `arn:aws:iam::${HOME}:role/x` });
    expect(await harness.thawWith(ofHome.keys, "GET", "host")).toEqual([
      403,
      expect.stringContaining("operator's key"),
    ]);
    expect(await refusalOf(assume(keysOf(BOB)))).toBe(
      `AccessDenied: User: arn:aws:iam::${BOB}:root is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`,
    );
  });

  it("lasts an hour at most where a role assumes it", async ({ expect }) => {
    const { keys } = await assume(keysOf(ALICE), { DurationSeconds: 43_200 });
    const chained = await assume(keys, { RoleSessionName: "chained", DurationSeconds: 3600 });
    expect(await whoIs(chained.keys)).toMatch(/deployer\/chained$/);
    expect(await refusalOf(assume(keys, { DurationSeconds: 3601 }))).toMatch(/^ValidationError: .* role chaining\.$/);
  });

  it.for([
    ["a name that is no ARN", { RoleArn: "deployer-of-mine-and-more" }, /ValidationError: .*is invalid/],
    ["a user", { RoleArn: `arn:aws:iam::${ALICE}:user/deployer` }, /ValidationError: .*is invalid/],
    ["a time of 14 minutes", { DurationSeconds: 840 }, /ValidationError: .*900/],
    ["a day", { DurationSeconds: 86_400 }, /ValidationError: .*43200/],
    ["a session without a name", { RoleSessionName: "" }, /ValidationError: /],
    ["a session with a slash", { RoleSessionName: "a/b" }, /ValidationError: /],
    ["a policy of the session", { Policy: "{}" }, /ValidationError: Thaw does not have Policy: policies are not enf/],
    ["tags", { Tags: [{ Key: "a", Value: "b" }] }, /ValidationError: Thaw does not have Tags/],
    ["an MFA device", { SerialNumber: "arn:aws:iam::1:mfa/x" }, /ValidationError: Thaw does not have SerialNumber/],
  ] as const)("with %s is refused", async ([, more, why], { expect }) => {
    expect(await refusalOf(assume(keysOf(ALICE), more as Partial<AssumeRoleCommandInput>))).toMatch(why);
  });

  it("with what AWS's tools send is taken", async ({ expect }) => {
    const sent = { ExternalId: "of-a-tool", TransitiveTagKeys: [], Tags: [], PolicyArns: [] };
    expect((await assume(keysOf(ALICE), sent)).user?.Arn).toMatch(/\/me$/);
  });
});

describe("a role that somebody has made", () => {
  const create = (name: string, trusted: string, condition: object = {}): CreateRoleCommand => {
    const statement = { Effect: "Allow", Principal: { AWS: trusted }, Action: "sts:AssumeRole", ...condition };
    return new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
    });
  };

  it("lets those accounts act for its own that its trust policy names", async ({ expect }) => {
    const iam = new IAMClient(settings(keysOf(ALICE)));
    const role = (await iam.send(create("for-bob", `arn:aws:iam::${BOB}:root`))).Role;
    const { keys, user } = await assume(keysOf(BOB), { RoleArn: role?.Arn });
    expect(user?.AssumedRoleId).toBe(`${role?.RoleId}:me`);
    expect(await whoIs(keys)).toBe(`arn:aws:sts::${ALICE}:assumed-role/for-bob/me`);
    expect(await refusalOf(assume(keysOf(HOME), { RoleArn: role?.Arn }))).toMatch(/^AccessDenied: /);
    const nobodys = `arn:aws:iam::${ALICE}:role/of/another/path/for-bob`;
    expect(await refusalOf(assume(keysOf(BOB), { RoleArn: nobodys }))).toMatch(/^AccessDenied: /);
    const nowhere = "arn:aws:iam::999999999999:role/for-bob";
    expect(await refusalOf(assume(keysOf(BOB), { RoleArn: nowhere }))).toMatch(/^AccessDenied: /);
  });

  it("asks for its external id, and for no more time than it gives", async ({ expect }) => {
    const iam = new IAMClient(settings(keysOf(ALICE)));
    const condition = { Condition: { StringEquals: { "sts:ExternalId": "secret" } } };
    const RoleArn = (await iam.send(create("with-id", BOB, condition))).Role?.Arn;
    expect(await refusalOf(assume(keysOf(BOB), { RoleArn }))).toMatch(/^AccessDenied: /);
    expect((await assume(keysOf(BOB), { RoleArn, ExternalId: "secret" })).user?.Arn).toMatch(/with-id\/me$/);
    const long = { RoleArn, ExternalId: "secret", DurationSeconds: 3601 };
    expect(await refusalOf(assume(keysOf(BOB), long))).toMatch(/^ValidationError: .* MaxSessionDuration set for/);
  });
});

describe("a session of an account's own key", () => {
  it("is the account for an hour, and gets no other", async ({ expect }) => {
    const sts = new STSClient(settings(keysOf(ALICE)));
    const answer = await sts.send(new GetSessionTokenCommand({ DurationSeconds: 129_600 }));
    expect(answer.Credentials?.Expiration?.getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000);
    const keys = toKeys(answer.Credentials);
    expect(await whoIs(keys)).toBe(`arn:aws:iam::${ALICE}:root`);
    expect(await refusalOf(new STSClient(settings(keys)).send(new GetSessionTokenCommand({})))).toBe(
      "AccessDenied: Cannot call GetSessionToken with session credentials",
    );
    expect((await assume(keys, { DurationSeconds: 43_200 })).user?.Arn).toMatch(/deployer\/me$/);
  });
});

describe("a function's own credentials", () => {
  it("stay a function's, whatever role they assume", async ({ expect }) => {
    const clock = new FakeClock(Date.now());
    const source = new SessionCredentialSource(SESSION_SECRET, clock, systemRandom);
    const own = source.issue({ accountId: ALICE, functionName: "f", role: ROLE });
    expect(await whoIs(own)).toBe(`arn:aws:sts::${ALICE}:assumed-role/deployer/f`);
    const { keys } = await assume(own);
    expect(await whoIs(keys)).toMatch(/deployer\/me$/);
    expect(await harness.thawWith(keys, "GET", "snapshots")).toEqual([
      403,
      expect.stringContaining("credentials of a function"),
    ]);
  });
});

describe("credentials whose time is over", () => {
  it("are refused by each service in its own words", async ({ expect }) => {
    const clock = new FakeClock(Date.now() - 3_600_000);
    const source = new SessionCredentialSource(SESSION_SECRET, clock, systemRandom);
    const principal = { accountId: ALICE, principalArn: `arn:aws:iam::${ALICE}:root`, userId: ALICE };
    const keys = source.issueSession({ ...principal, kind: "account", lifetimeMs: 900_000 });
    const text = "The security token included in the request is expired";
    expect(await refusalOf(whoIs(keys))).toBe(`ExpiredToken: ${text}`);
    const stacks = new CloudFormationClient(settings(keys)).send(new ListStacksCommand({}));
    expect(await refusalOf(stacks)).toBe(`ExpiredToken: ${text}`);
    const functions = new LambdaClient(settings(keys)).send(new ListFunctionsCommand({}));
    expect(await refusalOf(functions)).toBe(`ExpiredTokenException: ${text}`);
    const apis = new ApiGatewayV2Client(settings(keys)).send(new GetApisCommand({}));
    expect(await refusalOf(apis)).toBe(`ExpiredTokenException: ${text}`);
    const buckets = new S3Client(settings(keys)).send(new ListBucketsCommand({}));
    expect(await refusalOf(buckets)).toBe("ExpiredToken: The provided token has expired.");
    expect(await harness.logsWith(keys, "DescribeLogGroups", {})).toBe(
      `{"__type":"ExpiredTokenException","message":"${text}"}`,
    );
    expect((await harness.thawWith(keys, "GET", "snapshots"))[1]).toContain(text);
  });
});
