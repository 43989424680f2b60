import { expect, it } from "vitest";
import { EVENT_SIZE_MAX, knownTexts } from "./known-texts.ts";

const VERSION = {
  functionArn: "arn:aws:lambda:us-east-1:000000000000:function:f",
  accountId: "000000000000",
  codeName: "code",
  logGroup: "/aws/lambda/f",
  snapshotId: null,
  environment: { NAME: "value" },
};

it("has the beginning of the event, and what the environment is made of", () => {
  expect(knownTexts(VERSION, Buffer.from('{"a":1}'))).toEqual(expect.arrayContaining(['{"a":1}', "NAME", "value"]));
  const [event] = knownTexts(VERSION, Buffer.alloc(EVENT_SIZE_MAX + 1, "x"));
  expect(event).toHaveLength(EVENT_SIZE_MAX);
});
