import { it } from "vitest";
import { readFunctions } from "./functions.ts";
import { parseTemplate } from "./template.ts";

it("says of each function that is present where its code is and how it is entered", ({ expect }) => {
  const template = parseTemplate(
    `
Transform: AWS::Serverless-2016-10-31
Parameters: { Folder: { Type: String, Default: code } }
Conditions: { Never: !Equals [a, b] }
Globals: { Function: { Runtime: nodejs24.x, Handler: h, Layers: [!Ref Shared] } }
Resources:
  Shared: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: shared, LayerName: !Sub "\${AWS::StackName}-x" } }
  Bare: { Type: AWS::Serverless::Function }
  Gone: { Type: AWS::Serverless::Function, Condition: Never }
  Path: { Type: AWS::Serverless::Function, Properties: { CodeUri: !Sub "./\${Folder}", Handler: own, Layers: ["arn:aws:lambda:r:0:layer:made:4", !Ref P] } }
  Text: { Type: AWS::Serverless::Function, Properties: { InlineCode: x, Runtime: python3.13 } }
  Bucket: { Type: AWS::Serverless::Function, Properties: { CodeUri: "s3://b/k" } }
  Image: { Type: AWS::Serverless::Function, Properties: { PackageType: Image } }
  Zip: { Type: AWS::Lambda::Function, Properties: { Code: { ZipFile: y }, Handler: !GetAtt X.Y } }
  Object: { Type: AWS::Lambda::Function, Properties: { Code: { S3Bucket: b, S3Key: k } } }
  Asset: { Type: AWS::Lambda::Function, Metadata: { "aws:asset:path": asset.a }, Properties: { Code: { S3Bucket: b, S3Key: k } } }
  Late: { Type: AWS::Serverless::Function, Properties: { CodeUri: !GetAtt X.Y } }
`,
    "t",
  );
  const found = readFunctions(template, "shop").map(({ logicalId, code, handler, runtime, layers }) => [
    logicalId,
    code,
    handler,
    runtime,
    layers,
  ]);
  expect(found).toEqual([
    ["Bare", { kind: "path", path: "." }, "h", "nodejs24.x", ["shop-x"]],
    ["Path", { kind: "path", path: "./code" }, "own", "nodejs24.x", ["shop-x", "made"]],
    ["Text", { kind: "inline", text: "x" }, "h", "python3.13", ["shop-x"]],
    ["Bucket", { kind: "object" }, "h", "nodejs24.x", ["shop-x"]],
    ["Image", { kind: "image" }, "h", "nodejs24.x", ["shop-x"]],
    ["Zip", { kind: "inline", text: "y" }, null, null, []],
    ["Object", { kind: "object" }, null, null, []],
    ["Asset", { kind: "path", path: "asset.a" }, null, null, []],
  ]);
});

it("finds the source of a handler that esbuild makes", ({ expect }) => {
  const handlerOf = (handler: string, entries: readonly string[], more: object = {}): string | null => {
    const Metadata = { BuildMethod: "esbuild", BuildProperties: { EntryPoints: entries }, ...more };
    const Hello = { Type: "AWS::Serverless::Function", Metadata, Properties: { Handler: handler } };
    return readFunctions(parseTemplate(JSON.stringify({ Resources: { Hello } }), "t"), "s")[0]?.handler ?? null;
  };
  expect(handlerOf("app.handler", ["src/app.ts"])).toBe("src/app.handler");
  expect(handlerOf("app.handler", ["./src/app.mts"])).toBe("src/app.handler");
  expect(handlerOf("app.handler", ["app.ts"])).toBe("app.handler");
  expect(handlerOf("b/app.handler", ["src/a.ts", "src/b/app.ts"])).toBe("src/b/app.handler");
  expect(handlerOf("other.handler", ["src/app.ts"])).toBe("other.handler");
  expect(handlerOf("app.handler", ["src/app.ts"], { SamResourceId: "Hello" })).toBe("app.handler");
  expect(handlerOf("app.handler", [])).toBe("app.handler");
});
