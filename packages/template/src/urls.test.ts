import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { planTemplate } from "./plan.ts";
import type { Plan } from "./planned.ts";
import { fillMarks, hasMark, urlMark, urlValues } from "./marks.ts";
import { readTemplate } from "./template.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "url-plan-test-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const ARN = "arn:aws:lambda:eu-west-1:123456789012:function:";

/** A template with these resources and outputs. */
function plan(resources: string, outputs = ""): Plan {
  const path = join(dir, "template.yml");
  const text = `
Transform: AWS::Serverless-2016-10-31
Globals: { Function: { CodeUri: ., Handler: a.b, Runtime: nodejs24.x } }
Parameters: { Seconds: { Type: String, Default: "60" } }
Resources:
${resources}${outputs === "" ? "" : `\nOutputs:\n${outputs}`}`;
  writeFileSync(path, text);
  const place = { region: "eu-west-1", accountId: "123456789012", stackName: "shop" };
  return planTemplate(readTemplate(path), { ...place, overrides: {} });
}

it("SAM's FunctionUrlConfig is a URL of the function, and a statement for everybody where no signature is asked for", ({
  expect,
}) => {
  const { urls, permissions, problems, outputs } = plan(
    `
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      FunctionUrlConfig:
        AuthType: NONE
        InvokeMode: RESPONSE_STREAM
        Cors: { AllowOrigins: ["*"], AllowCredentials: "true", MaxAge: !Ref Seconds }`,
    `
  Url: { Value: !GetAtt FUrl.FunctionUrl }
  Arn: { Value: !Ref FUrl }`,
  );
  expect(problems).toEqual([]);
  const of = { functionName: "f", qualifier: null };
  expect(urls).toEqual([
    {
      logicalId: "FUrl",
      ...of,
      authType: "NONE",
      invokeMode: "RESPONSE_STREAM",
      cors: { AllowOrigins: ["*"], AllowCredentials: true, MaxAge: 60 },
    },
  ]);
  expect(permissions).toEqual([
    {
      statementId: "FUrlPublicPermissions",
      ...of,
      members: { Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: "NONE" },
    },
  ]);
  expect(outputs).toEqual({ Url: urlMark("FUrl"), Arn: `${ARN}f` });
});

it("a function with AutoPublishAlias has the URL at its alias; AWS_IAM makes no statement", ({ expect }) => {
  const { urls, permissions } = plan(`
  F:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: f, AutoPublishAlias: live, FunctionUrlConfig: { AuthType: AWS_IAM } }`);
  expect(urls).toMatchObject([{ functionName: "f", qualifier: "live", authType: "AWS_IAM", cors: null }]);
  expect(permissions).toEqual([]);
});

const F = "  F: { Type: AWS::Serverless::Function, Properties: { FunctionName: f, AutoPublishAlias: live } }";

it.for([
  ["!GetAtt F.Arn", "", { functionName: "f", qualifier: null }],
  ["!Ref F", "Qualifier: live", { functionName: "f", qualifier: "live" }],
  ["!Ref FAliaslive", "", { functionName: "f", qualifier: "live" }],
  ["other", "", { functionName: "other", qualifier: null }],
] as const)("AWS::Lambda::Url of %s %s", ([target, qualifier, expected], { expect }) => {
  const { urls, problems, outputs } = plan(
    `${F}
  U:
    Type: AWS::Lambda::Url
    Properties:
      TargetFunctionArn: ${target}
      AuthType: NONE
      ${qualifier}`,
    "  Url: { Value: !GetAtt U.FunctionUrl }",
  );
  expect(problems).toEqual([]);
  expect(urls).toMatchObject([{ logicalId: "U", ...expected }]);
  expect(outputs).toEqual({ Url: urlMark("U") });
});

it("AWS::Lambda::Permission is a statement, and left out where it names what is not here", ({ expect }) => {
  const { permissions, problems, notes } = plan(`${F}
  Public:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref F
      Action: lambda:InvokeFunction
      Principal: "*"
      InvokedViaFunctionUrl: true
  FromApi:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref F
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub "arn:aws:execute-api:eu-west-1:123456789012:\${ServerlessRestApi}/*"`);
  expect(problems).toEqual([]);
  expect(permissions).toEqual([
    {
      statementId: "Public",
      functionName: "f",
      qualifier: null,
      members: { Action: "lambda:InvokeFunction", Principal: "*", InvokedViaFunctionUrl: true },
    },
  ]);
  expect(notes).toContainEqual({
    place: "Resources.FromApi",
    text: "is left out: it names ServerlessRestApi, which is not here",
  });
});

it("what a URL does not have, and what it lacks, is told", ({ expect }) => {
  const { problems } = plan(`
  F: { Type: AWS::Serverless::Function, Properties: { FunctionUrlConfig: { InvokeMode: BUFFERED } } }
  G: { Type: AWS::Serverless::Function, Properties: { FunctionUrlConfig: { AuthType: NONE, Cors: { Origins: [a] } } } }
  U: { Type: AWS::Lambda::Url, Properties: { AuthType: NONE } }`);
  expect(problems.map(({ place, kind }) => [place, kind])).toEqual([
    ["Resources.F.FunctionUrlConfig.AuthType", "error"],
    ["Resources.G.FunctionUrlConfig.Cors.Origins", "unsupported"],
    ["Resources.U.TargetFunctionArn", "error"],
  ]);
});

it("the host name of a URL can be taken out of its address, which is known only after the deployment", ({ expect }) => {
  const { outputs, problems } = plan(
    `${F}
  U: { Type: AWS::Lambda::Url, Properties: { TargetFunctionArn: !Ref F, AuthType: NONE } }`,
    `  Host: { Value: !Select [2, !Split ["/", !GetAtt U.FunctionUrl]] }
  Colon: { Value: !Select [1, !Split [":", !Sub "at:\${U.FunctionUrl}"]] }
  Scheme: { Value: !Select [0, !Split ["/", !GetAtt U.FunctionUrl]] }`,
  );
  expect(problems).toEqual([]);
  const values = new Map(urlValues("U", "http://127.0.0.1:8000/_thaw/url/abc/"));
  const filled = Object.entries(outputs).map(([name, value]) => [name, fillMarks(value, values)]);
  expect(Object.fromEntries(filled)).toEqual({
    Host: "127.0.0.1:8000",
    Colon: "http://127.0.0.1:8000/_thaw/url/abc/",
    Scheme: "http:",
  });
});

it.for([
  ["Description: !Sub 'at ${U.FunctionUrl}'", "Resources.F.Description"],
  ["Environment: { Variables: { A: !GetAtt U.FunctionUrl } }", "Resources.F.Environment.Variables.A"],
  [
    "Environment: { Variables: { A: !Base64 { 'Fn::GetAtt': [U, FunctionUrl] } } }",
    "Resources.F.Environment.Variables.A",
  ],
  ["Tags: { at: !GetAtt U.FunctionUrl }", "Resources.F.Tags.at"],
] as const)("%s is refused: it is known only after the deployment", ([property, place], { expect }) => {
  const { problems, functions } = plan(`
  F: { Type: AWS::Serverless::Function, Properties: { FunctionName: f, ${property} } }
  U: { Type: AWS::Lambda::Url, Properties: { TargetFunctionArn: !Ref F, AuthType: NONE } }`);
  const reason = expect.stringContaining("known only after the deployment");
  expect(problems).toEqual([{ place, kind: "unsupported", reason }]);
  expect(hasMark(JSON.stringify(functions))).toBe(false);
});
