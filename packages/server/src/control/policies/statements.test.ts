import { describe, it } from "vitest";
import type { PolicyStatement } from "../../model/function-record.ts";
import { allows, isArnLike, type JudgedCall, toStatement } from "./statements.ts";

const ACCOUNT = "222222222222";
const PRINCIPAL = { accountId: ACCOUNT, principalArn: `arn:aws:sts::${ACCOUNT}:assumed-role/r/f` };
const CALL: JudgedCall = { action: "lambda:InvokeFunction", principal: PRINCIPAL, keys: {} };
const INPUT = { FunctionName: "f", StatementId: "s", Action: "lambda:InvokeFunction", Principal: ACCOUNT };

const statement = (more: Partial<typeof INPUT> & Record<string, unknown> = {}): PolicyStatement =>
  toStatement({ ...INPUT, ...more }, "arn");

describe("a statement allows", () => {
  it.for([
    ["its account, and what is in it", {}, {}, true],
    ["everybody", { Principal: "*" }, {}, true],
    ["everybody, nobody in particular", { Principal: "*" }, { principal: null }, true],
    ["its account, nobody in particular", {}, { principal: null }, false],
    ["the session itself", { Principal: PRINCIPAL.principalArn }, {}, true],
    ["another account", { Principal: "333333333333" }, {}, false],
    ["a service", { Principal: "s3.amazonaws.com" }, {}, false],
    ["another action", { Action: "lambda:GetFunction" }, {}, false],
    ["all actions", { Action: "lambda:*" }, {}, true],
    ["a source, from none", { SourceArn: "arn:aws:s3:::bucket" }, {}, false],
    [
      "a source, from it",
      { SourceArn: "arn:aws:s3:::buck*" },
      { keys: { "aws:sourcearn": "arn:aws:s3:::bucket" } },
      true,
    ],
    [
      "a source, from another one",
      { SourceArn: "arn:aws:s3:::buck*" },
      { keys: { "aws:sourcearn": "arn:aws:sqs:::bucket" } },
      false,
    ],
    ["a source account", { SourceAccount: ACCOUNT }, { keys: { "aws:sourceaccount": ACCOUNT } }, true],
    [
      "two conditions, one of which is met",
      { SourceAccount: ACCOUNT, SourceArn: "arn:aws:s3:::b" },
      { keys: { "aws:sourceaccount": ACCOUNT } },
      false,
    ],
    ["a token", { EventSourceToken: "t" }, { keys: { "lambda:eventsourcetoken": "T" } }, false],
    ["an organization", { Principal: "*", PrincipalOrgID: "o-abcdefghij" }, {}, false],
    ["a URL", { FunctionUrlAuthType: "AWS_IAM" }, { keys: { "lambda:functionurlauthtype": "AWS_IAM" } }, true],
  ] as const)("%s", ([, input, call, isAllowed], { expect }) => {
    expect(allows([statement(input)], { ...CALL, ...call })).toBe(isAllowed);
  });

  it("nothing where there is none", ({ expect }) => {
    expect(allows([], CALL)).toBe(false);
  });
});

describe("ArnLike", () => {
  it.for([
    ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket", true],
    ["arn:aws:s3:::*", "arn:aws:s3:::a/b:c", true],
    ["arn:aws:*:us-east-1:1:x", "arn:aws:sns:us-east-1:1:x", true],
    ["arn:aws:*:1:x", "arn:aws:sns:us-east-1:1:x", false],
    ["arn:aws:sns:*", "arn:aws:sns:us-east-1:1:x", false],
    ["arn:aws:sns:us-east-?:1:x", "arn:aws:sns:us-east-1:1:x", true],
    ["arn:aws:sns:us-east-?:1:x", "arn:aws:sns:us-east-:1:x", false],
    ["arn:aws:s3:::a*b*c", "arn:aws:s3:::a-b-b-c", true],
    ["arn:aws:s3:::a*b*c", "arn:aws:s3:::a-b-b-d", false],
    ["*", "arn:aws:s3:::b", false],
    ["arn:aws:s3:::A", "arn:aws:s3:::a", false],
  ] as const)("%s: %s", ([pattern, arn, isLike], { expect }) => {
    expect(isArnLike(pattern, arn)).toBe(isLike);
  });

  it("takes a time that is bounded by both lengths", ({ expect }) => {
    expect(isArnLike(`arn:aws:s3:::${"*a".repeat(1000)}b`, `arn:aws:s3:::${"a".repeat(2000)}`)).toBe(false);
  });
});
