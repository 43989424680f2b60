/** What becomes of the paths in a template: folders of a project on disk, and a bucket that keeps what it is given. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readSections } from "@thaw/template/template";
import { afterEach, beforeEach, it } from "vitest";
import type { Artifacts } from "./artifacts.ts";
import { packageTemplate } from "./package-template.ts";

let root: string;
let kept: Map<string, Buffer>;
let notes: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "package-template-"));
  kept = new Map();
  notes = [];
  write("app/index.js", "app");
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | object): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === "string" ? content : JSON.stringify(content));
  return full;
}

const artifacts: Artifacts = {
  bucket: "ours",
  async put(content, ending) {
    const key = `${kept.size}${ending}`;
    kept.set(key, content);
    return { bucket: "ours", key };
  },
  async putAs(key, read) {
    if (!kept.has(key)) kept.set(key, await read());
    return { bucket: "ours", key };
  },
};

async function packed(path: string, options: object = {}): Promise<Record<string, Record<string, unknown>>> {
  const made = await packageTemplate(path, readSections(path), {
    region: "us-east-1",
    accountId: "000000000000",
    stackName: "shop",
    parameters: {},
    environment: {},
    artifacts,
    built: new Map(),
    note: (text) => notes.push(text),
    ...options,
  });
  return made as Record<string, Record<string, unknown>>;
}

const SAM = "AWS::Serverless::Function";

function propertiesOf(made: Record<string, Record<string, unknown>>, id: string): unknown {
  const resources = made["Resources"] as Record<string, { readonly Properties: unknown }>;
  return resources[id]?.Properties;
}

it("packs a folder once, by the path of Globals, of the function or of a parameter", async ({ expect }) => {
  const path = write("template.json", {
    Globals: { Function: { CodeUri: "app", Timeout: 9 } },
    Parameters: { Folder: { Type: "String", Default: "app" } },
    Conditions: { No: { "Fn::Equals": ["a", "b"] } },
    Resources: {
      A: { Type: SAM },
      B: { Type: SAM, Properties: { CodeUri: { "Fn::Sub": "./${Folder}" } } },
      C: { Type: SAM, Properties: { CodeUri: { Bucket: "theirs", Key: "k" } } },
      D: { Type: SAM, Condition: "No", Properties: { CodeUri: "nowhere" } },
      E: { Type: SAM, Properties: { InlineCode: "x" } },
      F: { Type: "AWS::Lambda::Function", Properties: { Code: "app", Environment: { Variables: { V: "1" } } } },
      L: { Type: "AWS::Lambda::LayerVersion", Properties: { Content: "app" } },
    },
  });
  const made = await packed(path, { environment: { F: { V: "2" }, Nobody: {} } });
  expect([...kept.keys()]).toEqual(["0.zip"]);
  expect(propertiesOf(made, "A")).toEqual({ CodeUri: "s3://ours/0.zip" });
  expect(propertiesOf(made, "B")).toEqual({ CodeUri: "s3://ours/0.zip" });
  expect(propertiesOf(made, "C")).toEqual({ CodeUri: { Bucket: "theirs", Key: "k" } });
  expect(propertiesOf(made, "D")).toEqual({ CodeUri: "s3://ours/not-packed.zip" });
  expect(propertiesOf(made, "E")).toEqual({ InlineCode: "x" });
  const code = { S3Bucket: "ours", S3Key: "0.zip" };
  expect(propertiesOf(made, "F")).toEqual({ Code: code, Environment: { Variables: { V: "2" } } });
  expect(propertiesOf(made, "L")).toEqual({ Content: code });
  expect(made["Globals"]).toEqual({ Function: { Timeout: 9 } });
  expect(notes).toEqual(["--env-vars Nobody is no function of the template"]);
});

it("unrolls loops, whose paths may name their variable", async ({ expect }) => {
  write("two/index.js", "two");
  const loop = { "F${Name}": { Type: SAM, Properties: { CodeUri: "./${Name}" } } };
  const path = write("template.json", { Resources: { "Fn::ForEach::Each": ["Name", ["app", "two"], loop] } });
  const made = await packed(path);
  expect(propertiesOf(made, "Fapp")).toEqual({ CodeUri: "s3://ours/0.zip" });
  expect(propertiesOf(made, "Ftwo")).toEqual({ CodeUri: "s3://ours/1.zip" });
});

it("takes definitions, includes and nested templates from their files", async ({ expect }) => {
  write("api.yaml", "openapi: 3.0.1\npaths: { /: !Sub '${A}' }\n");
  write("part.yaml", "x: 1\n");
  write("deep/inner.json", { Resources: { F: { Type: SAM, Properties: { CodeUri: "../app" } } } });
  const path = write("template.json", {
    Resources: {
      Api: { Type: "AWS::Serverless::HttpApi", Properties: { DefinitionUri: "api.yaml" } },
      Inner: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "deep/inner.json" } },
      Far: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "https://s3.amazonaws.com/b/k" } },
    },
    Outputs: { O: { Value: { "Fn::Transform": { Name: "AWS::Include", Parameters: { Location: "part.yaml" } } } } },
  });
  const made = await packed(path);
  expect(propertiesOf(made, "Api")).toEqual({
    DefinitionBody: { openapi: "3.0.1", paths: { "/": { "Fn::Sub": "${A}" } } },
  });
  expect(propertiesOf(made, "Inner")).toEqual({ TemplateURL: "https://s3.amazonaws.com/ours/1.template" });
  expect(kept.get("1.template")?.toString()).toContain('"CodeUri":"s3://ours/0.zip"');
  expect(propertiesOf(made, "Far")).toEqual({ TemplateURL: "https://s3.amazonaws.com/b/k" });
  expect(JSON.stringify(made["Outputs"])).toContain("s3://ours/2.include");
  expect(kept.get("2.include")?.toString()).toBe("x: 1\n");
});

it("puts assets of the CDK into its own bucket, and asks for nothing of cdk bootstrap", async ({ expect }) => {
  const theirs = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}";
  const path = write("cdk.out/Shop.template.json", {
    Parameters: { BootstrapVersion: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/cdk/version" } },
    Rules: { CheckBootstrapVersion: { Assertions: [] } },
    Resources: {
      F: { Type: "AWS::Lambda::Function", Properties: { Code: { S3Bucket: { "Fn::Sub": theirs }, S3Key: "abc.zip" } } },
      U: {
        Type: "AWS::CloudFormation::Stack",
        Properties: { TemplateURL: { "Fn::Sub": `https://s3/${theirs}/t.json` } },
      },
    },
  });
  write("cdk.out/asset.abc/index.js", "asset");
  write("cdk.out/inner.json", "{}");
  const to = (objectKey: string): object => ({ here: { bucketName: theirs, objectKey } });
  write("cdk.out/Shop.assets.json", {
    files: {
      abc: { source: { path: "asset.abc", packaging: "zip" }, destinations: to("abc.zip") },
      t: { source: { path: "inner.json", packaging: "file" }, destinations: to("t.json") },
      own: { source: { path: "Shop.template.json", packaging: "file" }, destinations: to("own.json") },
    },
  });
  const made = await packed(path);
  expect([...kept.keys()]).toEqual(["abc.zip", "t.json"]);
  expect([made["Parameters"], made["Rules"]]).toEqual([{}, {}]);
  expect(propertiesOf(made, "F")).toEqual({ Code: { S3Bucket: { "Fn::Sub": "ours" }, S3Key: "abc.zip" } });
  expect(propertiesOf(made, "U")).toEqual({ TemplateURL: { "Fn::Sub": "https://s3/ours/t.json" } });
  write("cdk.out/Shop.assets.json", { dockerImages: { abc: {} } });
  await expect(packed(path)).rejects.toThrow("thaw deploy builds none");
});

it("takes zips that osls has left", async ({ expect }) => {
  write(".serverless/shop.zip", "PK\u0003\u0004");
  const Code = { S3Bucket: { Ref: "ServerlessDeploymentBucket" }, S3Key: "serverless/shop/dev/1-2/shop.zip" };
  const path = write(".serverless/update.json", {
    Resources: { F: { Type: "AWS::Lambda::Function", Properties: { Code } } },
  });
  expect(propertiesOf(await packed(path), "F")).toEqual({ Code: { S3Bucket: "ours", S3Key: "0.zip" } });
});

it.for([
  [{ Properties: { CodeUri: "nowhere" } }, /Resources\.F: .*nowhere is not there\. In .* there is app, t/],
  [{ Properties: { CodeUri: { "Fn::GetAtt": ["X", "Y"] } } }, "Resources.F.Properties.CodeUri must be a path"],
  [{ Properties: { CodeUri: "app" }, Metadata: { Thaw: { Prime: 1 } } }, "must be Prime: { Events: [...]"],
  [{ Properties: { ImageUri: "i" }, Metadata: { Thaw: { Prime: { Events: [] } } } }, "needs code that is packed here"],
] as const)("refuses %j", async ([resource, message], { expect }) => {
  const path = write("template.json", { Resources: { F: { Type: SAM, ...resource } } });
  await expect(packed(path)).rejects.toThrow(message);
});

it("writes prime events into the package, of a text, too", async ({ expect }) => {
  const Metadata = { Thaw: { Prime: { Events: [{ n: 1 }], Times: 2 } } };
  const path = write("template.json", {
    Resources: { F: { Type: SAM, Metadata, Properties: { InlineCode: "x", Runtime: "python3.13" } } },
  });
  expect(propertiesOf(await packed(path), "F")).toEqual({ Runtime: "python3.13", CodeUri: "s3://ours/0.zip" });
  const zip = kept.get("0.zip") ?? Buffer.alloc(0);
  expect([zip.includes("thaw.prime.json"), zip.includes("index.py")]).toEqual([true, true]);
  expect(readFileSync(path, "utf8")).toContain("InlineCode");
});

it("bundles what the template leaves to esbuild, and leaves what sam build has made", async ({ expect }) => {
  write("node_modules/esbuild/package.json", {});
  symlinkSync(
    join(import.meta.dirname, "../../../../node_modules/esbuild/bin"),
    join(root, "node_modules/esbuild/bin"),
  );
  write("src/app.ts", "export const handler = async (): Promise<string> => word;\nimport { word } from './word.ts';\n");
  write("src/word.ts", "export const word: string = 'bundled';\n");
  const metadata = { BuildMethod: "esbuild", BuildProperties: { EntryPoints: ["src/app.ts"], Minify: false } };
  const template = (Metadata: object): object => ({
    Resources: { Hello: { Type: SAM, Metadata, Properties: { CodeUri: "." } } },
  });
  await packed(write("template.json", template(metadata)));
  const [bundle] = [...kept.values()].map((zip) => filesOf(zip));
  expect(bundle).toEqual(["app.js"]);
  expect(notes).toEqual([]);
  kept.clear();
  await packed(write("template.json", template({ ...metadata, SamResourceId: "Hello" })));
  expect([...kept.values()].map((zip) => filesOf(zip))[0]).toContain("src/app.ts");
  kept.clear();
  write("src/word.ts", "export const word: string = ;\n");
  await expect(packed(write("template.json", template(metadata)))).rejects.toThrow(
    /^Resources\.Hello: esbuild can't bundle [^]*word\.ts:1:28/,
  );
});

/** Names in a zip, which its central directory has in the clear. */
function filesOf(zip: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = zip.indexOf("PK\u0001\u0002"); at >= 0; at = zip.indexOf("PK\u0001\u0002", at + 1))
    names.push(zip.toString("utf8", at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  return names;
}
