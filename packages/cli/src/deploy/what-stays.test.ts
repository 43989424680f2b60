import { parseTemplate } from "@thaw/template/template";
import { expect, it } from "vitest";
import { whatStays } from "./what-stays.ts";

it("a version goes with a function that is removed, whatever its policy", () => {
  const version = (name: string): string =>
    `{ Type: AWS::Lambda::Version, DeletionPolicy: Retain, Properties: { FunctionName: ${name} } }`;
  const { resources } = parseTemplate(
    `
Resources:
  Gone: { Type: AWS::Lambda::Function }
  Kept: { Type: AWS::Lambda::Function, DeletionPolicy: RetainExceptOnCreate }
  OfGone: ${version("!Ref Gone")}
  AlsoOfGone: ${version("!GetAtt Gone.Arn")}
  OfKept: ${version("!Ref Kept")}
  OfOther: ${version("other")}
  Log: { Type: AWS::Logs::LogGroup, DeletionPolicy: Delete }
`,
    "t",
  );
  expect(whatStays(resources)).toEqual({
    stays: new Map([
      ["Kept", "RetainExceptOnCreate"],
      ["OfKept", "Retain"],
      ["OfOther", "Retain"],
    ]),
    goesWith: new Map([
      ["OfGone", "Gone"],
      ["AlsoOfGone", "Gone"],
    ]),
  });
});
