/** The texts are AWS's: recorded in LocalStack's snapshots of real answers (tests/recorded). */
import { describe, it } from "vitest";
import { validate } from "./lambda.ts";
import { EVENTS } from "./events.ts";
import { SerializationError, Validator } from "./validate.ts";

const function_ = { Role: "arn:aws:iam::000000000000:role/x", Code: {}, FunctionName: "f" };

const recorded: ReadonlyArray<readonly [string, unknown, string]> = [
  [
    "CreateFunctionRequest",
    { ...function_, Role: "r1" },
    "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
  ],
  [
    "CreateFunctionRequest",
    { ...function_, SnapStart: { ApplyOn: "invalidOption" } },
    "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]",
  ],
  [
    "ListFunctionsRequest",
    { FunctionVersion: "invalid" },
    "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]",
  ],
  [
    "CreateAliasRequest",
    { FunctionName: "f", Name: "a", FunctionVersion: "1", RoutingConfig: { AdditionalVersionWeights: { "2": 2 } } },
    "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]",
  ],
  [
    "CreateAliasRequest",
    {
      FunctionName: "f",
      Name: "a",
      FunctionVersion: "1",
      RoutingConfig: { AdditionalVersionWeights: { $LATEST: 0.5 } },
    },
    "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]",
  ],
];

describe("validate", () => {
  it.for(recorded)("%s says what AWS says", ([shape, value, message], { expect }) => {
    expect(validate(shape, value)).toBe(message);
  });

  it("checks filters of layers together", ({ expect }) => {
    const filter = { CompatibleArchitecture: "vax", CompatibleRuntime: "cobol" };
    expect(validate("ListLayersRequest", filter)).toMatch(
      /^2 validation errors detected: Value 'vax' at 'compatibleArchitecture' failed to satisfy constraint: Member must satisfy enum value set: \[x86_64, arm64\]; Value 'cobol' at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum value set: \[ruby3\.5, .*python2\.7\]$/,
    );
    expect(validate("ListLayersRequest", { CompatibleRuntime: "python3.13" })).toBeNull();
  });

  it("accepts what is right", ({ expect }) => {
    expect(validate("CreateFunctionRequest", { ...function_, Runtime: "java17", MemorySize: 1769 })).toBeNull();
  });

  it("counts several problems, and names missing members", ({ expect }) => {
    expect(validate("CreateFunctionRequest", { Code: {}, FunctionName: "f", Timeout: 0 })).toBe(
      "2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member must not be null; Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
  });

  it("says all that is wrong with one value, the pattern first; a far too long one is not matched", ({ expect }) => {
    const problem = (length: number): string | null =>
      validate("GetAliasRequest", { FunctionName: "f", Name: `${"a".repeat(length)}!` });
    expect(problem(128)).toMatch(/^2 validation errors detected: .*pattern: .*; .*less than or equal to 128$/);
    expect(problem(5000)).toMatch(/^1 validation error detected: .*less than or equal to 128$/);
  });

  it("tells a wrong JSON type from a wrong value", ({ expect }) => {
    expect(() => validate("CreateFunctionRequest", { ...function_, MemorySize: "128" })).toThrow(SerializationError);
  });
});

it("of a request with very many wrong items a thousand problems are said", ({ expect }) => {
  const problem = new Validator(EVENTS.model).validate("PutTargetsRequest", {
    Rule: "r",
    Targets: Array.from({ length: 5000 }, () => ({})),
  });
  expect(problem?.split("; ").length).toBeLessThan(1010);
});
