import { describe, it } from "vitest";
import { mayAssume } from "./trust.ts";

const ACCOUNT = "333333333333";
const CALLER = { accountId: ACCOUNT, principalArn: `arn:aws:iam::${ACCOUNT}:root`, externalId: null };
const policy = (...statements: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const allow = (more: object = {}): object => ({
  Effect: "Allow",
  Principal: { AWS: ACCOUNT },
  Action: "sts:AssumeRole",
  ...more,
});

describe("a trust policy", () => {
  it.for([
    ["the account by its number", allow(), true],
    ["the account by its root", allow({ Principal: { AWS: ["x", `arn:aws:iam::${ACCOUNT}:root`] } }), true],
    ["everybody", allow({ Principal: "*" }), true],
    ["everybody of AWS", allow({ Principal: { AWS: "*" }, Action: ["sts:TagSession", "STS:AssumeRole"] }), true],
    ["another account", allow({ Principal: { AWS: "444444444444" } }), false],
    ["a service", allow({ Principal: { Service: "lambda.amazonaws.com" } }), false],
    ["nobody", allow({ Principal: undefined }), false],
    ["all but one", allow({ Principal: undefined, NotPrincipal: { AWS: "444444444444" } }), false],
    ["another action", allow({ Action: "sts:TagSession" }), false],
    ["no action", allow({ Action: undefined }), false],
    ["an external id", allow({ Condition: { StringEquals: { "sts:ExternalId": "secret" } } }), false],
    ["a condition that is not judged", allow({ Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } } }), false],
    ["a condition that is none", allow({ Condition: "x" }), false],
  ] as const)("that names %s", ([, statement, isAllowed], { expect }) => {
    expect(mayAssume(policy(statement), CALLER)).toBe(isAllowed);
  });

  it("asks for one of the external ids", ({ expect }) => {
    const document = policy(allow({ Condition: { StringEquals: { "sts:ExternalId": ["a", "b"] } } }));
    expect(mayAssume(document, { ...CALLER, externalId: "b" })).toBe(true);
    expect(mayAssume(document, { ...CALLER, externalId: "c" })).toBe(false);
  });

  it.for([
    ["denies the caller", { ...allow(), Effect: "Deny" }, false],
    ["denies others", { ...allow({ Principal: { AWS: "444444444444" } }), Effect: "Deny" }, true],
    [
      "denies with a condition that holds not",
      { ...allow({ Condition: { StringEquals: { "sts:ExternalId": "x" } } }), Effect: "Deny" },
      true,
    ],
    [
      "denies with a condition that is not judged",
      { ...allow({ Condition: { Bool: { x: "y" } } }), Effect: "Deny" },
      false,
    ],
    ["denies all but some", { Effect: "Deny", NotPrincipal: { AWS: ACCOUNT }, Action: "*" }, false],
  ] as const)("that allows and also %s", ([, statement, isAllowed], { expect }) => {
    expect(mayAssume(policy(allow(), statement), CALLER)).toBe(isAllowed);
  });

  it("names a role, and its sessions may", ({ expect }) => {
    const session = { ...CALLER, principalArn: `arn:aws:sts::${ACCOUNT}:assumed-role/deployer/me` };
    const document = policy(allow({ Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/deployer` } }));
    expect(mayAssume(document, session)).toBe(true);
    expect(mayAssume(document, CALLER)).toBe(false);
  });

  it.for(["", "null", "[]", "{", '{"Statement":null}', '{"Statement":[null,1,"x"]}'])(
    "%j allows nothing",
    (text, { expect }) => {
      expect(mayAssume(text, CALLER)).toBe(false);
    },
  );
});
