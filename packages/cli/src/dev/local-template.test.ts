/** Which code of a template is followed, how it is built, and what is said of the rest. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findSource, type LocalTemplate, readLocalTemplate } from "./local-template.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "local-template-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text = ""): string {
  const full = join(root, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, text);
  return full;
}

function read(resources: string, parameters = {}): LocalTemplate {
  const text = `Transform: AWS::Serverless-2016-10-31
Parameters: { Folder: { Type: String, Default: one } }
Conditions: { Never: !Equals [a, b] }
Globals: { Function: { CodeUri: app, Handler: index.handler, Runtime: nodejs24.x } }
Resources:
${resources}`;
  const place = { region: "us-east-1", accountId: "000000000000", stackName: "s", parameters };
  return readLocalTemplate(write("template.yaml", text), place);
}

it("finds the code of functions, and what else a change of is one of the stack", () => {
  const { functions, others, notes } = read(
    `
  Global: { Type: AWS::Serverless::Function }
  Own: { Type: AWS::Serverless::Function, Properties: { CodeUri: !Sub "code/\${Folder}", Runtime: python3.13 } }
  Plain: { Type: AWS::Lambda::Function, Properties: { Code: plain, Runtime: nodejs24.x } }
  Text: { Type: AWS::Serverless::Function, Properties: { InlineCode: text } }
  Far: { Type: AWS::Serverless::Function, Properties: { CodeUri: "s3://bucket/key" } }
  Image: { Type: AWS::Serverless::Function, Properties: { PackageType: Image, ImageUri: "x:1" } }
  Absent: { Type: AWS::Serverless::Function, Condition: Never }
  Layer: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: layer } }
  Api: { Type: AWS::Serverless::HttpApi, Properties: { DefinitionUri: api.yaml } }
`,
    { Folder: "two" },
  );
  expect(functions.map(({ logicalId, path }) => [logicalId, path.slice(root.length + 1)])).toEqual([
    ["Global", "app"],
    ["Own", "code/two"],
    ["Plain", "plain"],
  ]);
  expect(others.map((path) => path.slice(root.length + 1))).toEqual(["template.yaml", "layer", "api.yaml"]);
  expect(notes).toEqual(["Image: its code is an image, which is not watched"]);
});

it("names what a save needs besides, by its tool", () => {
  write("java/build.gradle");
  write("maven/pom.xml");
  write("python/requirements.txt");
  write("make/Makefile");
  const { notes } = read(`
  Java: { Type: AWS::Serverless::Function, Properties: { CodeUri: java, Runtime: java21 } }
  Jar: { Type: AWS::Serverless::Function, Properties: { CodeUri: app.jar, Runtime: java21 } }
  Maven: { Type: AWS::Serverless::Function, Properties: { CodeUri: maven, Runtime: java21 } }
  Python: { Type: AWS::Serverless::Function, Properties: { CodeUri: python, Runtime: python3.13 } }
  Make: { Type: AWS::Serverless::Function, Metadata: { BuildMethod: makefile }, Properties: { CodeUri: make } }
`);
  expect(notes[0]).toMatch(/^Java: let CodeUri name the zip or jar that Gradle makes below build/);
  expect(notes[1]).toMatch(/^Jar: no pom\.xml or build\.gradle makes /);
  expect(notes[2]).toMatch(/^Python: what requirements\.txt names is not installed here: pip install -r/);
  expect(notes[3]).toMatch(/^Make: its BuildMethod makefile is not run/);
});

it("names the code that nobody writes by hand", () => {
  write("dist/app.mjs");
  write("go/bootstrap", "\u007fELF");
  write("shell/bootstrap", "#!/bin/sh");
  write("src/app.mjs");
  const { notes } = read(`
  Built: { Type: AWS::Serverless::Function, Properties: { CodeUri: dist/, Runtime: nodejs24.x } }
  Go: { Type: AWS::Serverless::Function, Properties: { CodeUri: go, Runtime: provided.al2023 } }
  Shell: { Type: AWS::Serverless::Function, Properties: { CodeUri: shell, Runtime: provided.al2023 } }
  Written: { Type: AWS::Serverless::Function, Properties: { CodeUri: src, Runtime: nodejs24.x } }
`);
  const said = "is what a build makes, which is not run here: a save of its sources changes nothing";
  expect(notes).toEqual([
    expect.stringMatching(`^Built: ${join(root, "dist")} ${said}.*BuildMethod esbuild`),
    expect.stringMatching(`^Go: ${join(root, "go")} ${said}`),
  ]);
});

it("takes esbuild's options as sam build does, and refuses one that it does not know", () => {
  const esbuild = (properties: string): readonly string[] | undefined =>
    read(`
  Bundled:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: esbuild, BuildProperties: { EntryPoints: [src/app.ts], ${properties} } }
`).functions[0]?.esbuild?.args;
  expect(esbuild("")).toEqual([
    "src/app.ts",
    "--bundle",
    "--minify",
    "--target=es2020",
    "--format=cjs",
    "--platform=node",
  ]);
  expect(
    esbuild(
      'Minify: false, Sourcemap: true, Format: esm, OutExtension: [".js=.mjs"], External: [a, b], MainFields: [module, main]',
    ),
  ).toEqual([
    "src/app.ts",
    "--bundle",
    "--target=es2020",
    "--format=esm",
    "--platform=node",
    "--sourcemap",
    "--out-extension:.js=.mjs",
    "--external:a",
    "--external:b",
    "--main-fields=module,main",
  ]);
  expect(() => esbuild("Nonsense: 1")).toThrow("Resources.Bundled.Metadata.BuildProperties.Nonsense is not known");
});

it("takes the template that people write, not what sam build has made of it", () => {
  const source = write("template.yaml", "Resources: {}");
  write(".aws-sam/build/template.yaml", "Resources: {}");
  expect(findSource(root).path).toBe(source);
});
