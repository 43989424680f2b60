/**
 * node tools/transform-templates.ts DIRECTORY: has the installed SAM transform read each template of a directory, and
 * says what became of them and how long it took. The public templates that it is run with are none of ours.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { thawHomeOf } from "@thaw/installation";
import { systemClock } from "@thaw/server/testing/base";
import { createSamTransform } from "@thaw/server/testing/transforms";
import { parseSections } from "@thaw/template/template";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";

const directory = process.argv[2];
if (directory === undefined) throw new Error("usage: node tools/transform-templates.ts DIRECTORY");

const LOCAL = new Set(["CodeUri", "ContentUri", "DefinitionUri"]);
const transform = createSamTransform({ thawHome: thawHomeOf(process.env), clock: systemClock });
const counts = { transformed: 0, refused: 0, unread: 0 };
const times: number[] = [];
for (const name of readdirSync(directory).filter((each) => /\.(?:ya?ml|json|template)$/.test(each))) {
  const template = read(join(directory, name));
  if (template === null) continue;
  const begun = performance.now();
  const outcome = await transform.transform({ template, parameters: {}, region: "us-east-1" });
  times.push(performance.now() - begun);
  counts[outcome.kind]++;
  if (outcome.kind === "refused") say(`${name}: ${outcome.message}`);
}
transform.close();
const [first = 0, ...rest] = times;
rest.sort((a, b) => a - b);
say(
  JSON.stringify({
    ...counts,
    firstMs: round(first),
    medianMs: round(rest[rest.length >> 1]),
    maxMs: round(rest.at(-1)),
  }),
);

/** Null: it is no template. Code at a local path is put in a bucket, as `sam package` does first. */
function read(path: string): TemplateMap | null {
  try {
    return packaged(parseSections(readFileSync(path, "utf8"), path).sections) as TemplateMap;
  } catch (error) {
    say((error as Error).message);
    counts.unread++;
    return null;
  }
}

function packaged(value: TemplateValue): TemplateValue {
  if (isTemplateList(value)) return value.map(packaged);
  if (!isTemplateMap(value)) return value;
  const isImage = value["PackageType"] === "Image";
  const isWithoutCode = value["Handler"] !== undefined && value["InlineCode"] === undefined;
  const missing = isImage ? { ImageUri: "registry/image:tag" } : isWithoutCode ? { CodeUri: "s3://bucket/key" } : {};
  const members = Object.entries(value).flatMap(([key, each]): Array<[string, TemplateValue]> => {
    if (!LOCAL.has(key) || typeof each !== "string" || each.startsWith("s3://")) return [[key, packaged(each)]];
    return value["InlineCode"] === undefined ? [[key, "s3://bucket/key"]] : [];
  });
  return { ...missing, ...Object.fromEntries(members) };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function round(ms: number | undefined): number {
  return Math.round((ms ?? 0) * 10) / 10;
}
