/** What of a template lies on this host: the code of its functions, and files whose change is one of the stack. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { inSource } from "@thaw/template/functions";
import { withGlobals } from "@thaw/template/globals";
import { type LocalOptions, type LocalValues, readLocally } from "@thaw/template/local-values";
import { readSections, type Template, templateOf } from "@thaw/template/template";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { findTemplate } from "../deploy/find-template.ts";
import { pathOf, primesOf } from "../deploy/package-template.ts";
import { type EsbuildOptions, readEsbuild } from "../deploy/esbuild.ts";
import { type Entrance, entranceOf } from "../handler/missing-handler.ts";
import { findJavaBuild, type JavaBuild, sourcesOf } from "./java.ts";

export interface LocalFunction {
  readonly logicalId: string;
  /** Folder or file that is its code, absolute. */
  readonly path: string;
  /** The text of thaw.prime.json; null: it has none. */
  readonly primes: string | null;
  readonly runtime: string;
  /** Null: nobody can tell whether the code has its handler. */
  readonly entrance: Entrance | null;
  /** Null: it is not bundled. */
  readonly esbuild: EsbuildOptions | null;
  /** Null: it is not Java that is built here. */
  readonly java: JavaBuild | null;
  /** Files and folders a save of which changes the code. */
  readonly sources: readonly string[];
}

export interface LocalTemplate {
  readonly functions: readonly LocalFunction[];
  /** Files and folders besides the code: the template itself, layers, definitions of APIs, nested templates. */
  readonly others: readonly string[];
  /** Sentences about what a save does not change. */
  readonly notes: readonly string[];
}

const SAM_FUNCTION = "AWS::Serverless::Function";
const NESTED = new Set(["AWS::CloudFormation::Stack", "AWS::Serverless::Application"]);
/** Properties of other resources that may name a file or a folder. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  "AWS::Serverless::LayerVersion": ["ContentUri"],
  "AWS::Lambda::LayerVersion": ["Content"],
  "AWS::Serverless::Api": ["DefinitionUri"],
  "AWS::Serverless::HttpApi": ["DefinitionUri"],
  "AWS::ApiGateway::RestApi": ["BodyS3Location"],
  "AWS::ApiGatewayV2::Api": ["BodyS3Location"],
  "AWS::CloudFormation::Stack": ["TemplateURL"],
  "AWS::Serverless::Application": ["Location"],
};
const BUILT_FOLDER = [".aws-sam", "build"].join(sep);
/** Names of folders that builds write to, and nobody else. */
const OUTPUTS = new Set(["dist", "build", "out", "output", ".build", "bundle", "target", "publish"]);
const ELF = Buffer.from("\u007fELF");
const NAMES = ["template.yaml", "template.yml", "template.json"];

/** Finds the template that people write, also where `sam build` has made a newer one of it. */
export function findSource(given: string | undefined): { readonly path: string; readonly notes: readonly string[] } {
  const found = findTemplate(given);
  const isNamed = given !== undefined && statSync(given, { throwIfNoEntry: false })?.isFile() === true;
  if (isNamed || !dirname(found.path).endsWith(BUILT_FOLDER)) return found;
  const project = resolve(dirname(found.path), "../..");
  const source = NAMES.map((name) => join(project, name)).find((path) => existsSync(path));
  if (source === undefined) return found;
  return { path: source, notes: [`${basename(source)} is used, not what sam build has made of it`] };
}

/** Throws CommandError where the template can't be read. */
export function readLocalTemplate(path: string, options: LocalOptions): LocalTemplate {
  const template = templateOf(readSections(path), path);
  const values = readLocally(template, options);
  const functions: LocalFunction[] = [];
  const others = [path];
  const notes: string[] = [];
  for (const [logicalId, whole] of Object.entries(values.resources)) {
    if (!isTemplateMap(whole) || !values.isPresent(whole)) continue;
    const type = String(whole["Type"]);
    const found = functionOf({ template, values, path }, logicalId, whole);
    if (found !== null) {
      functions.push(found);
      notes.push(...notesOf(found, whole));
    } else others.push(...filesOf({ values, path }, logicalId, whole));
    if (NESTED.has(type)) notes.push(`${logicalId}: the code of a nested stack's functions is not watched`);
    if (isImage(template, whole)) notes.push(`${logicalId}: its code is an image, which is not watched`);
  }
  if (path.endsWith(".template.json"))
    notes.push(`${basename(path)} is the CDK's: a save changes something when cdk synth has written it again`);
  return { functions, others, notes };
}

interface Place {
  readonly template: Template;
  readonly values: LocalValues;
  readonly path: string;
}

/** Null: it is no function, or its code does not lie here. */
function functionOf({ template, values, path }: Place, logicalId: string, whole: TemplateMap): LocalFunction | null {
  const code = codeOf(template, whole);
  if (code === null) return null;
  const found = pathOf({ values }, { logicalId, properties: { Code: code } }, "Code");
  if (found === null) return null;
  const metadata = isTemplateMap(whole["Metadata"]) ? whole["Metadata"] : {};
  const full = resolve(dirname(path), found);
  const properties = propertiesOf(template, whole);
  const runtime = String(values.value(properties["Runtime"] ?? ""));
  const entrance = entranceOf(properties, values);
  const java = metadata["BuildMethod"] === undefined ? findJavaBuild(full, runtime) : null;
  return {
    logicalId,
    path: full,
    primes: primesOf({ values }, { logicalId, metadata }),
    runtime,
    entrance:
      entrance === null ? null : { ...entrance, handler: inSource(entrance.handler, metadata) ?? entrance.handler },
    esbuild: readEsbuild(logicalId, metadata),
    java,
    sources: java === null ? [full] : sourcesOf(java),
  };
}

/** The property that names code; null where it is in the template, an image, or an object of a map. */
function codeOf(template: Template, whole: TemplateMap): NonNullable<TemplateMap[string]> | null {
  const type = whole["Type"];
  const properties = propertiesOf(template, whole);
  if (type === "AWS::Lambda::Function") {
    const code = properties["Code"] ?? null;
    return isTemplateMap(code) && (code["ZipFile"] ?? code["ImageUri"] ?? code["S3Bucket"]) !== undefined ? null : code;
  }
  if (type !== SAM_FUNCTION || properties["InlineCode"] !== undefined || isImage(template, whole)) return null;
  return properties["CodeUri"] ?? ".";
}

function propertiesOf(template: Template, whole: TemplateMap): TemplateMap {
  const own = isTemplateMap(whole["Properties"]) ? whole["Properties"] : {};
  return whole["Type"] === SAM_FUNCTION ? withGlobals(template, whole, own) : own;
}

function isImage(template: Template, whole: TemplateMap): boolean {
  if (whole["Type"] !== SAM_FUNCTION && whole["Type"] !== "AWS::Lambda::Function") return false;
  const { ImageUri, PackageType } = propertiesOf(template, whole);
  return ImageUri !== undefined || PackageType === "Image";
}

function filesOf({ values, path }: Omit<Place, "template">, logicalId: string, whole: TemplateMap): readonly string[] {
  const properties = isTemplateMap(whole["Properties"]) ? whole["Properties"] : {};
  return (FILES[String(whole["Type"])] ?? []).flatMap((property) => {
    const found = isTemplateMap(properties[property]) ? null : pathOf({ values }, { logicalId, properties }, property);
    return found === null ? [] : [resolve(dirname(path), found)];
  });
}

/** What a save needs besides, by the name of the tool that is not run. */
function notesOf({ logicalId, path, runtime, esbuild, java }: LocalFunction, whole: TemplateMap): readonly string[] {
  const has = (name: string): boolean => existsSync(join(path, name));
  const metadata = isTemplateMap(whole["Metadata"]) ? whole["Metadata"] : {};
  const method = metadata["BuildMethod"];
  if (java !== null) return [];
  if (method !== undefined && esbuild === null)
    return [`${logicalId}: its BuildMethod ${String(method)} is not run; a save puts the folder in as it is`];
  if (runtime.startsWith("java")) {
    const isGradle = has("build.gradle") || has("build.gradle.kts");
    return [
      isGradle
        ? `${logicalId}: let CodeUri name the zip or jar that Gradle makes below build, and a save builds it`
        : `${logicalId}: no pom.xml or build.gradle makes ${path}: a save of it puts it in as it is`,
    ];
  }
  if (isOutput(path, runtime))
    return [
      `${logicalId}: ${path} is what a build makes, which is not run here: a save of its sources changes nothing before the build has written there${byEsbuild(runtime)}`,
    ];
  if (runtime.startsWith("python") && has("requirements.txt"))
    return [
      `${logicalId}: what requirements.txt names is not installed here: pip install -r requirements.txt -t ${path}`,
    ];
  if (runtime.startsWith("nodejs") && has("package.json") && !has("node_modules"))
    return [`${logicalId}: there is a package.json and no node_modules: run npm install in ${path} if it needs some`];
  return [];
}

/** True where nobody writes the code by hand: a folder of a build, or a program of a compiler's. */
function isOutput(path: string, runtime: string): boolean {
  if (OUTPUTS.has(basename(path)) || path.includes(`${sep}${BUILT_FOLDER}${sep}`)) return true;
  return runtime.startsWith("provided") && isProgram(join(path, "bootstrap"));
}

/** True for an executable of a compiler's; a script is what somebody writes. */
function isProgram(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return false;
  const start = Buffer.alloc(ELF.length);
  const file = openSync(path, "r");
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  return start.equals(ELF);
}

function byEsbuild(runtime: string): string {
  return runtime.startsWith("nodejs")
    ? ". Let CodeUri name the sources, with Metadata BuildMethod esbuild, and a save bundles them"
    : "";
}
