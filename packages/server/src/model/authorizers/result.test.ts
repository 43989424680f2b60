import { expect, it } from "vitest";
import { identityOf, isIdentitySource } from "./identity.ts";
import { readPolicyResult, readSimpleResult } from "./result.ts";

const ARN = "arn:aws:execute-api:us-east-1:000000000000:api/prod/GET/pets/1";
const result = (statement: unknown, more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ principalId: "me", policyDocument: { Statement: statement }, ...more }));
const allow = { Effect: "Allow", Action: "execute-api:Invoke", Resource: "*" };

it.for([
  ["everything", [allow], "allowed"],
  ["one statement", allow, "allowed"],
  [
    "lists",
    [{ ...allow, Action: ["s3:Get", "EXECUTE-API:*"], Resource: ["x", "arn:aws:execute-api:*/GET/pets/?"] }],
    "allowed",
  ],
  [
    "another method",
    [{ ...allow, Resource: "arn:aws:execute-api:us-east-1:000000000000:api/prod/POST/*" }],
    "not allowed",
  ],
  ["another action", [{ ...allow, Action: "execute-api:ManageConnections" }], "not allowed"],
  ["a denial", [allow, { ...allow, Effect: "Deny" }], "denied"],
  ["a condition", [{ ...allow, Condition: {} }], "not allowed"],
  ["a denial with a condition", [allow, { ...allow, Effect: "Deny", Condition: {} }], "denied"],
] as const)("%s", ([, statement, decision]) => {
  expect(readPolicyResult(result(statement), { isScalar: true })?.decide(ARN)).toBe(decision);
});

it.for([
  ["no JSON", Buffer.from("{")],
  ["no map", Buffer.from("[]")],
  ["no statements", result([])],
  ["another effect", result([{ ...allow, Effect: "Maybe" }])],
  ["no resource", result([{ ...allow, Resource: undefined }])],
  ["a principal that is none", result(allow, { principalId: 1 })],
  ["a context with maps", result(allow, { context: { a: {} } })],
  ["a policy of a megabyte", result({ ...allow, Resource: "*a".repeat(500_000) })],
  ["bytes that are no text", Buffer.from([0xff])],
] as const)("%s is no result", ([, bytes]) => {
  expect(readPolicyResult(bytes, { isScalar: true })).toBeNull();
});

it("a plain answer is yes or no", () => {
  const read = (text: string) => readSimpleResult(Buffer.from(text));
  expect(read('{"isAuthorized":true,"context":{"a":[1]}}')).toMatchObject({ context: { a: [1] } });
  expect(read('{"isAuthorized":false}')?.decide(ARN)).toBe("not allowed");
  expect(read('{"isAuthorized":"true"}')).toBeNull();
});

it.for([
  ["method.request.header.Authorization", false, true],
  ["$request.header.Authorization", true, true],
  ["$request.header.Authorization", false, false],
  ["method.request.header.Authorization", true, false],
  ["stageVariables.a", false, true],
  ["$stageVariables.a", true, true],
  ["method.request.path.a", false, false],
  ["", false, false],
] as const)("%s (HTTP: %s) is a source: %s", ([source, isHttp, expected]) => {
  expect(isIdentitySource(source, isHttp)).toBe(expected);
});

it("an identity has all its parts, or is none", () => {
  const parts = {
    header: (name: string) => (name === "a" ? "1" : null),
    query: (name: string) => (name === "b" ? "" : null),
    variables: { c: "3" },
    context: () => null,
  };
  const sources = ["method.request.header.A", "stageVariables.c"];
  expect(identityOf(sources, parts)).toEqual(["1", "3"]);
  expect(identityOf([...sources, "method.request.querystring.b"], parts)).toBeNull();
  expect(identityOf(["stageVariables.toString"], parts)).toBeNull();
});
