import { parseSections } from "@thaw/template/template";
import type { TemplateMap } from "@thaw/template/value";
import { describe, expect, it } from "vitest";
import { PLACE } from "./fake-types.ts";
import { TemplateError } from "./template-error.ts";
import { applyTransforms, type SamRequest, type TransformInput } from "./transforms.ts";

interface Given extends Partial<Omit<TransformInput, "template" | "needs">> {
  readonly objects?: Readonly<Record<string, string>>;
  readonly asked?: SamRequest[];
  readonly sam?: TransformInput["needs"]["sam"];
}

/** The library's stand-in says that it was there, and takes away what the library takes away. */
function applied(text: string, { objects = {}, asked = [], sam, ...others }: Given = {}): Promise<TemplateMap> {
  return applyTransforms({
    template: parseSections(text, "template"),
    place: PLACE,
    parameters: {},
    ssm: new Map(),
    ...others,
    needs: {
      sam:
        sam ??
        (async (request) => {
          asked.push(request);
          const { Globals: _globals, ...template } = request.template;
          return { kind: "transformed", template: { ...template, Description: "by SAM" } };
        }),
      async include(bucket, key) {
        const found = objects[`${bucket}/${key}`];
        if (found === undefined) throw new TemplateError(`no ${bucket}/${key}`);
        return found;
      },
    },
  });
}

const ROLE = "{ Type: AWS::IAM::Role }";

it("a template without transforms stays as it is", async () => {
  const text = `{ Description: d, Resources: { R: ${ROLE} }, Outputs: { O: { Value: !Ref R } } }`;
  expect(await applied(text)).toEqual(parseSections(text, "template").sections);
});

describe("AWS::Include", () => {
  const call = (location: string): string => `{ Name: AWS::Include, Parameters: { Location: ${location} } }`;

  it("puts a snippet in the place of a call, and beside the members that stand with it", async () => {
    const text = `
Parameters: { Bucket: { Type: String } }
Mappings: { Keys: { a: { key: deep/one.yaml } } }
Resources:
  Alone: { Type: X, Properties: { Fn::Transform: ${call("!Sub 's3://${Bucket}/a.json'")} } }
  Beside:
    Type: X
    Properties: { Own: 1, Fn::Transform: ${call("!Join ['/', [s3:/, b, !FindInMap [Keys, a, key]]]")} }`;
    const objects = { "b/a.json": '{"Name": {"Ref": "Beside"}}', "b/deep/one.yaml": "Other: !GetAtt Alone.Arn\n" };
    expect((await applied(text, { parameters: { Bucket: "b" }, objects }))["Resources"]).toEqual({
      Alone: { Type: "X", Properties: { Name: { Ref: "Beside" } } },
      Beside: { Type: "X", Properties: { Own: 1, Other: { "Fn::GetAtt": ["Alone", "Arn"] } } },
    });
  });

  it("at the top brings whole sections, and a snippet may be a list", async () => {
    const text = `
Transform: ${call("s3://b/outputs")}
Resources: { R: { Type: X, Properties: { Tags: { Fn::Transform: ${call("s3://b/tags")} } } } }`;
    const objects = { "b/outputs": "Outputs: { O: { Value: 1 } }", "b/tags": "[{ Key: a, Value: b }]" };
    expect(await applied(text, { objects })).toEqual({
      Resources: { R: { Type: "X", Properties: { Tags: [{ Key: "a", Value: "b" }] } } },
      Outputs: { O: { Value: 1 } },
    });
  });

  it.each([
    ["s3://b/missing", {}, /^no b\/missing$/],
    ["https://b/x", {}, /^Transform AWS::Include failed with: The value of the Location parameter must be an object/],
    ["!Ref Nothing", {}, /failed with: Resources\.R\.Location refers to Nothing, which is no parameter$/],
    ["!GetAtt R.Arn", {}, /failed with: .* where only parameters are known$/],
    ["s3://b/broken", { "b/broken": "a: [" }, /^Transform AWS::Include failed with: s3:\/\/b\/broken: /],
    [
      "s3://b/nested",
      { "b/nested": "Fn::Transform: { Name: AWS::Include }" },
      /s3:\/\/b\/nested has Fn::Transform of its own/,
    ],
    ["s3://b/text", { "b/text": "just text" }, /a snippet beside other members must be a map$/],
  ] as const)("%s is refused", async (location, objects, message) => {
    const text = `Resources: { R: { Type: X, Fn::Transform: ${call(location)} } }`;
    await expect(applied(text, { objects })).rejects.toThrow(message);
  });

  it("takes a hundred snippets and no more", async () => {
    const text = (count: number): string =>
      `Resources: { R: { Type: X, Properties: { L: [${`{ Fn::Transform: ${call("s3://b/k")} },`.repeat(count)}] } } }`;
    const objects = { "b/k": "1" };
    expect(JSON.stringify(await applied(text(100), { objects }))).toContain("[1,1,1,");
    await expect(applied(text(101), { objects })).rejects.toThrow(/the template has more than 100 snippets$/);
  });

  it("takes snippets that are no longer together than a template may be", async () => {
    const text = `Resources: { R: { Type: X, Properties: { L: [${`{ Fn::Transform: ${call("s3://b/k")} },`.repeat(3)}] } } }`;
    const snippet = (length: number): string => JSON.stringify({ a: "x".repeat(length) });
    await applied(text, { objects: { "b/k": snippet(300_000) } });
    await expect(applied(text, { objects: { "b/k": snippet(400_000) } })).rejects.toThrow(
      /its snippets have more than 1048576 characters together$/,
    );
  });
});

describe("AWS::LanguageExtensions", () => {
  it("unrolls loops in each section, and decides policies by parameters", async () => {
    const text = `
Transform: AWS::LanguageExtensions
Parameters: { Names: { Type: CommaDelimitedList }, Policy: { Type: String, Default: Retain } }
Conditions: { Fn::ForEach::C: [N, !Ref Names, { "Is\${N}": { Fn::Equals: [!Ref N, a] } }] }
Resources:
  Fn::ForEach::R: [N, !Ref Names, { "R\${N}": { Type: X, DeletionPolicy: !Ref Policy, Properties: { Name: !Ref N } } }]
Outputs: { Fn::ForEach::O: [N, !Ref Names, { "O\${N}": { Value: { Fn::Length: !Ref Names } } }] }`;
    const { Parameters: _parameters, ...found } = await applied(text, { parameters: { Names: "a,b" } });
    const made = (name: string): TemplateMap => ({ Type: "X", DeletionPolicy: "Retain", Properties: { Name: name } });
    const length = { Value: { "Fn::Length": { Ref: "Names" } } };
    expect(found).toEqual({
      Conditions: { Isa: { "Fn::Equals": ["a", "a"] }, Isb: { "Fn::Equals": ["b", "a"] } },
      Resources: { Ra: made("a"), Rb: made("b") },
      Outputs: { Oa: length, Ob: length },
    });
  });

  it("is needed for a loop", async () => {
    const text = "Resources: { Fn::ForEach::R: [N, [a], { 'R${N}': { Type: X } }] }";
    await expect(applied(text)).rejects.toThrow(
      "Template format error: [/Resources/Fn::ForEach::R] needs the transform AWS::LanguageExtensions",
    );
  });

  it.each([
    ["[N, !Ref Nothing, { 'R${N}': { Type: X } }]", "refers to Nothing, which is no parameter"],
    ["[N, [a, a], { 'R${N}': { Type: X } }]", "has Ra twice"],
    ["[N, text, { 'R${N}': { Type: X } }]", "must go over a list of texts"],
  ])("refuses %s", async (loop, reason) => {
    const text = `{ Transform: AWS::LanguageExtensions, Resources: { Fn::ForEach::R: ${loop} } }`;
    await expect(applied(text)).rejects.toThrow(
      `Transform AWS::LanguageExtensions failed with: Resources.Fn::ForEach::R ${reason}`,
    );
  });
});

describe("AWS::Serverless", () => {
  it("gets the template, values of parameters and the Region", async () => {
    const asked: SamRequest[] = [];
    const text = `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Timeout: 3 } }
Parameters: { Stage: { Type: String, Default: dev }, Nets: { Type: CommaDelimitedList }, N: { Type: Number, Default: 5 } }
Resources: { F: { Type: AWS::Serverless::Function } }`;
    const processed = await applied(text, { asked, parameters: { Nets: "a,b" } });
    expect(asked).toEqual([
      { template: expect.anything(), parameters: { Stage: "dev", Nets: ["a", "b"], N: "5" }, region: PLACE.region },
    ]);
    expect(asked[0]?.template).toHaveProperty("Globals.Function");
    expect(asked[0]?.template).not.toHaveProperty("Transform");
    expect(processed).toMatchObject({ Description: "by SAM", Parameters: { Stage: { Default: "dev" } } });
  });

  it("is not told of secrets: their values stay out of what is kept", async () => {
    const asked: SamRequest[] = [];
    const text = `
Transform: AWS::Serverless-2016-10-31
Parameters: { Password: { Type: String, NoEcho: true, Default: none } }
Resources: { F: { Type: AWS::Serverless::Function } }`;
    const processed = await applied(text, { asked, parameters: { Password: "hunter2" } });
    expect(asked[0]?.parameters).toEqual({});
    expect(asked[0]?.template["Parameters"]).toEqual({ Password: { Type: "String", NoEcho: true } });
    expect(JSON.stringify(processed)).not.toContain("hunter2");
    expect(processed["Parameters"]).toEqual({ Password: { Type: "String", NoEcho: true, Default: "none" } });
  });

  it("gives its refusal as it is", async () => {
    const text = "{ Transform: AWS::Serverless-2016-10-31, Resources: { F: { Type: AWS::Serverless::Function } } }";
    const sam = async (): Promise<{ kind: "refused"; message: string }> => ({ kind: "refused", message: "as it is" });
    await expect(applied(text, { sam })).rejects.toThrow(/^as it is$/);
  });
});

it("snippets come first, then the transforms in their order", async () => {
  const asked: SamRequest[] = [];
  const text = `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Resources:
  Fn::ForEach::R:
    - N
    - [a]
    - "R\${N}": { Type: X, Properties: { Fn::Transform: { Name: AWS::Include, Parameters: { Location: s3://b/k } } } }`;
  await applied(text, { asked, objects: { "b/k": "Name: '${N}'" } });
  expect(asked[0]?.template["Resources"]).toEqual({ Ra: { Type: "X", Properties: { Name: "a" } } });
});

it.each([
  ["Transform: Mine", "No transform named 123456789012::Mine found. Thaw runs no macros"],
  ["Transform: [AWS::LanguageExtensions, { Name: Mine }]", "No transform named 123456789012::Mine found."],
  [
    "Transform: AWS::SecretsManager-2020-07-23",
    "No transform named AWS::SecretsManager-2020-07-23 found. Thaw has AWS",
  ],
  ["Outputs: { O: { Value: { Fn::Transform: { Name: Mine } } } }", "No transform named 123456789012::Mine found."],
])("%s is refused by its name", async (part, message) => {
  await expect(applied(`${part}\nResources: { R: ${ROLE} }`)).rejects.toThrow(message);
});
