/**
 * node tools/template-table.ts FOLDER [--json | --write]: what `thaw deploy` would do with each template of a folder,
 * as a change set of a real server says. A parameter without a default gets a value that fits its type; code is not
 * looked for. `--write` puts the table into docs/reference/templates.md; `--json` gives every sentence. As root.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeTypeCommand,
} from "@aws-sdk/client-cloudformation";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { withGlobals } from "@thaw/template/globals";
import { readSections, templateOf, type Template } from "@thaw/template/template";
import { isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { startThaw } from "./thaw-server.ts";

const DOCUMENT = join(import.meta.dirname, "../docs/reference/templates.md");
const BEGIN = "<!-- made by node tools/template-table.ts FOLDER --write -->";
const BUCKET = "templates";
const CODE = { uri: "s3://templates/code.zip", object: { S3Bucket: BUCKET, S3Key: "code.zip" } };
/** Values that only the person knows, where their form matters. */
const EXAMPLES: ReadonlyArray<readonly [RegExp, string]> = [
  [/layer/i, "arn:aws:lambda:us-east-1:000000000000:layer:example:1"],
];

interface Row {
  readonly template: string;
  /** Types of what would be made, and of what would be kept and shown. */
  readonly real: readonly string[];
  readonly recorded: readonly string[];
  /** The sentence, where the template is refused; else empty. */
  readonly refusal: string;
}

const [folder, form] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node tools/template-table.ts FOLDER [--json | --write]");
const server = await startThaw();
const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = server.env;
const options = {
  endpoint: server.endpoint,
  region: "us-east-1",
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
};
const stacks = new CloudFormationClient(options);
const s3 = new S3Client({ ...options, forcePathStyle: true });
const kinds = new Map<string, boolean>();
const rows: Row[] = [];
try {
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const name of readdirSync(folder).toSorted())
    if (/\.(?:ya?ml|json|template)$/.test(name)) rows.push(await rowOf(join(folder, name), name));
} finally {
  await server.remove();
}
const text = `${summaryOf(rows)}\n\n${toTable(rows)}\n`;
if (form === "--write") {
  const document = readFileSync(DOCUMENT, "utf8");
  writeFileSync(DOCUMENT, `${document.slice(0, document.indexOf(BEGIN))}${BEGIN}\n\n${text}`);
} else process.stdout.write(form === "--json" ? `${JSON.stringify(rows, null, 2)}\n` : text);

async function rowOf(path: string, name: string): Promise<Row> {
  const nothing = { template: name, real: [], recorded: [] };
  try {
    const given = readSections(path);
    const template = templateOf(given, path);
    await s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: name, Body: JSON.stringify(withCode(given.sections, template)) }),
    );
    const types = await plannedTypes(name, template);
    if (typeof types === "string") return { ...nothing, refusal: types };
    const recorded = await Promise.all(types.map(isRecorded));
    const of = (kind: boolean): readonly string[] => types.filter((_type, at) => recorded[at] === kind);
    return { template: name, real: of(false), recorded: of(true), refusal: "" };
  } catch (error) {
    return { ...nothing, refusal: (error as Error).message };
  }
}

/** Types of what a change set would make; a text: why there is none. */
async function plannedTypes(name: string, { parameters }: Template): Promise<readonly string[] | string> {
  const missing = Object.entries(parameters).filter(([, parameter]) => parameter["Default"] === undefined);
  const { Id, StackId } = await stacks.send(
    new CreateChangeSetCommand({
      StackName: "planned",
      ChangeSetName: "only",
      ChangeSetType: "CREATE",
      TemplateURL: `https://s3.amazonaws.com/${BUCKET}/${name}`,
      Capabilities: ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
      Parameters: missing.map(([key, parameter]) => ({
        ParameterKey: key,
        ParameterValue: exampleOf(key, parameter),
      })),
    }),
  );
  try {
    const types: string[] = [];
    let next: string | undefined;
    do {
      const page = await stacks.send(new DescribeChangeSetCommand({ ChangeSetName: Id, NextToken: next }));
      if (page.Status === "FAILED") return page.StatusReason ?? "";
      types.push(...(page.Changes ?? []).map(({ ResourceChange: change }) => change?.ResourceType ?? ""));
      next = page.NextToken;
    } while (next !== undefined);
    return types;
  } finally {
    await stacks.send(new DeleteStackCommand({ StackName: StackId }));
  }
}

async function isRecorded(type: string): Promise<boolean> {
  const known = kinds.get(type);
  if (known !== undefined) return known;
  const { Description = "" } = await stacks.send(new DescribeTypeCommand({ Type: "RESOURCE", TypeName: type }));
  kinds.set(type, Description.startsWith("Recorded"));
  return kinds.get(type) === true;
}

/** Names an object in the place of each package. */
function withCode(sections: TemplateMap, template: Template): TemplateMap {
  const resources = Object.entries(template.resources).map(([id, resource]): [string, TemplateValue] => {
    if (!isTemplateMap(resource)) return [id, resource];
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    return [id, { ...resource, Properties: { ...own, ...codeOf(template, resource, own) } }];
  });
  return { ...sections, Resources: Object.fromEntries(resources) };
}

function codeOf(template: Template, resource: TemplateMap, own: TemplateMap): TemplateMap {
  const isLocal = (value: TemplateValue | undefined): boolean => typeof value === "string" && !value.startsWith("s3:");
  switch (resource["Type"]) {
    case "AWS::Serverless::Function": {
      const { PackageType, ImageUri, InlineCode } = withGlobals(template, resource, own);
      if (PackageType === "Image" || ImageUri !== undefined) return { ImageUri: ImageUri ?? "example.com/image:tag" };
      return InlineCode === undefined ? { CodeUri: CODE.uri } : {};
    }
    case "AWS::Serverless::LayerVersion":
      return { ContentUri: CODE.uri };
    case "AWS::Lambda::Function":
      return isLocal(own["Code"]) ? { Code: CODE.object } : {};
    case "AWS::Lambda::LayerVersion":
      return isLocal(own["Content"]) ? { Content: CODE.object } : {};
    case "AWS::Serverless::Application":
      return isLocal(own["Location"]) ? { Location: "https://s3.amazonaws.com/templates/nested.yaml" } : {};
    default:
      return isLocal(own["DefinitionUri"]) ? { DefinitionUri: CODE.uri } : {};
  }
}

function exampleOf(key: string, parameter: TemplateMap): string {
  const allowed = parameter["AllowedValues"];
  if (Array.isArray(allowed)) return String(allowed[0]);
  if (String(parameter["Type"]).includes("Number")) return String(parameter["MinValue"] ?? 1);
  const type = String(parameter["Type"] ?? "");
  return EXAMPLES.find(([like]) => like.test(key) || like.test(type))?.[1] ?? "example";
}

/** `Lambda::Function, Lambda::Version (2)` */
function briefly(types: readonly string[]): string {
  return [...new Set(types)]
    .map((type) => {
      const count = types.filter((each) => each === type).length;
      return `${type.replace(/^AWS::/, "")}${count === 1 ? "" : ` (${count})`}`;
    })
    .join(", ");
}

function toTable(all: readonly Row[]): string {
  const heads = ["template", "real", "recorded", "refused, because"];
  const lines = all.map(({ template, real, recorded, refusal }) => [
    template.replace(/\.ya?ml$/, ""),
    briefly(real),
    briefly(recorded),
    refusal,
  ]);
  const table = [heads, heads.map(() => "---"), ...lines.map((cells) => cells.map(escaped))];
  return table.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function escaped(given: string): string {
  return given.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function summaryOf(all: readonly Row[]): string {
  const refused = all.filter(({ refusal }) => refusal !== "");
  const byType = refused.filter(({ refusal }) => refusal.includes("types that Thaw refuses"));
  const counts = `${all.length} templates: ${all.length - refused.length} are deployed, ${byType.length} are refused for a type of resource, ${refused.length - byType.length} for another reason.`;
  return `${counts}\n\n${reasons(refused)}`;
}

/** What refuses more than one template, most often first. */
function reasons(refused: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const { refusal } of refused)
    for (const reason of new Set(reasonsOf(refusal))) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const often = [...counts].filter(([, count]) => count > 1).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const lines = often.map(([reason, count]) => `| ${escaped(reason)} | ${count} |`);
  return ["| refuses more than one template | templates |", "| --- | --- |", ...lines].join("\n");
}

function reasonsOf(refusal: string): readonly string[] {
  if (refusal.includes("types that Thaw refuses"))
    return [...refusal.matchAll(/\b([A-Za-z0-9]+::[A-Za-z0-9:]+) \(/g)].map(([, type = ""]) => type);
  const key = /(?:extraneous key|Thaw does not have the property) \[([A-Za-z0-9]+)\]/.exec(refusal)?.[1];
  return [key === undefined ? (refusal.split("\n")[0] ?? "") : `the property ${key}`];
}
