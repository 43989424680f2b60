import { expect, test } from "vitest";
import type { Scope } from "./canonical.ts";
import { signingKey } from "./signing-key.ts";

const SCOPE: Scope = {
  accessKeyId: "AKIDEXAMPLE",
  date: "20150830",
  region: "us-east-1",
  service: "iam",
  terminator: "aws4_request",
};
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const hex = (scope: Scope, secret: string): string => signingKey(scope, secret).export().toString("hex");

test("is the key of AWS's own example", () => {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-examples.html
  expect(hex(SCOPE, SECRET)).toBe("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
});

test("no two of day, Region, service and secret share a key, however often they are asked for", () => {
  const scopes = [
    SCOPE,
    { ...SCOPE, date: "20150831" },
    { ...SCOPE, region: "eu-west-1" },
    { ...SCOPE, service: "lambda" },
    { ...SCOPE, terminator: "aws4_request/x" },
  ];
  const all = (): string[] => scopes.flatMap((scope) => [hex(scope, SECRET), hex(scope, `${SECRET}x`)]);
  const first = all();
  expect(new Set(first).size).toBe(scopes.length * 2);
  expect(all()).toEqual(first);
});

test("an access key says nothing of the key; what a secret begins with is not taken for a part of the scope", () => {
  expect(hex({ ...SCOPE, accessKeyId: "AKIDOTHER" }, SECRET)).toBe(hex(SCOPE, SECRET));
  expect(hex({ ...SCOPE, terminator: "a" }, "b/c")).not.toBe(hex({ ...SCOPE, terminator: "a/b" }, "c"));
});

test("keys that were dropped are derived again", () => {
  const first = hex(SCOPE, "kept");
  for (let count = 0; count < 300; count++) hex(SCOPE, `other ${count}`);
  expect(hex(SCOPE, "kept")).toBe(first);
});
