import { expect, test } from "vitest";
import { parseFunctionName } from "./function-name.ts";

const SCOPE = { accountId: "000000000000", region: "us-east-1" };

test.for([
  ["f", "f", null],
  ["f:1", "f", "1"],
  ["f:$LATEST", "f", "$LATEST"],
  ["function:f", "f", null],
  ["000000000000:f", "f", null],
  ["000000000000:function:f:live", "f", "live"],
  ["us-east-1:000000000000:function:f", "f", null],
  ["us-east-1:f:1", "f", "1"],
  ["arn:aws:lambda:us-east-1:000000000000:function:f", "f", null],
  ["arn:aws:lambda:us-east-1:000000000000:function:f:live", "f", "live"],
  ["arn:aws:lambda:000000000000:function:f", "f", null],
] as const)("%s is %s, %s", ([text, name, qualifier]) => {
  expect(parseFunctionName(SCOPE, text)).toEqual({ name, qualifier });
});

test.for([
  ["eu-west-1:000000000000:function:f", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"],
  ["us-gov-west-1:f", "Functions from 'us-gov-west-1' are not reachable in this region ('us-east-1')"],
  ["111111111111:f", "is not authorized to perform this operation"],
] as const)("%s: %s", ([text, message]) => {
  expect(() => parseFunctionName(SCOPE, text)).toThrow(message);
});
