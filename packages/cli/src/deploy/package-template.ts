/**
 * A template as CloudFormation takes it: what it names on this host is put into a bucket, as `sam package` and `aws
 * cloudformation package` do.
 */
import { dirname, resolve } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { decodeUserText } from "@thaw/installation/user-text";
import { overrideVariables, type EnvironmentOverrides, noteUnused } from "@thaw/template/environment-overrides";
import { inSource } from "@thaw/template/functions";
import { withGlobals } from "@thaw/template/globals";
import { type LocalOptions, type LocalValues, readLocally } from "@thaw/template/local-values";
import { readPrimes } from "@thaw/template/primes";
import type { Report } from "@thaw/template/problem";
import { parseSnippet, type ParsedTemplate, readSections, type Template, templateOf } from "@thaw/template/template";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { Artifacts, StoredObject } from "./artifacts.ts";
import { entranceOf, missingHandler } from "../handler/missing-handler.ts";
import { isBuiltBySam, packageBundle, readEsbuild } from "./esbuild.ts";
import { type CdkAsset, oslsZip, readCdkAssets } from "./local-code.ts";
import { packageCode, packageInline, readFileOrFail } from "./package-code.ts";

export interface PackageOptions extends LocalOptions {
  readonly environment: EnvironmentOverrides;
  readonly artifacts: Artifacts;
  /** Paths of code in the place of what the template names, by logical id; none in nested templates. */
  readonly built: ReadonlyMap<string, string>;
  readonly note: (text: string) => void;
}

/** One template on its way into the bucket. */
interface Packing extends PackageOptions {
  readonly path: string;
  readonly template: Template;
  readonly values: LocalValues;
  /** Null: it is none of the CDK's. */
  readonly assets: readonly CdkAsset[] | null;
  /** Objects by what they are made of: several functions may have one folder. */
  readonly packed: Map<string, Promise<StoredObject>>;
  readonly depth: number;
}

interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: TemplateMap;
  readonly metadata: TemplateMap;
  /** False: its condition is known to be false. */
  readonly isPresent: boolean;
  readonly whole: TemplateMap;
}

type Packager = (packing: Packing, resource: Resource) => Promise<TemplateMap>;

const SAM_FUNCTION = "AWS::Serverless::Function";
const PRIME = "Metadata.Thaw";
/** CloudFormation's limit. */
const NESTED_MAX = 10;
/** Of a resource that is not made: the transform wants an address, and nobody reads it. */
const NOT_PACKED = "not-packed.zip";
const BOOTSTRAP = { parameter: "BootstrapVersion", rule: "CheckBootstrapVersion" };

const PACKAGERS: Readonly<Record<string, Packager>> = {
  [SAM_FUNCTION]: packageSamFunction,
  "AWS::Lambda::Function": packageFunction,
  "AWS::Serverless::LayerVersion": (packing, resource) => packageUri(packing, resource, "ContentUri"),
  "AWS::Lambda::LayerVersion": (packing, resource) => packageObject(packing, resource, "Content"),
  "AWS::Serverless::Api": (packing, resource) => inlineDefinition(packing, resource, "DefinitionUri", "DefinitionBody"),
  "AWS::Serverless::HttpApi": (packing, resource) =>
    inlineDefinition(packing, resource, "DefinitionUri", "DefinitionBody"),
  "AWS::ApiGateway::RestApi": (packing, resource) => inlineDefinition(packing, resource, "BodyS3Location", "Body"),
  "AWS::ApiGatewayV2::Api": (packing, resource) => inlineDefinition(packing, resource, "BodyS3Location", "Body"),
  "AWS::CloudFormation::Stack": (packing, resource) => packageNested(packing, resource, "TemplateURL"),
  "AWS::Serverless::Application": (packing, resource) => packageNested(packing, resource, "Location"),
};

/** Gives the sections of the packaged template. Throws CommandError where code is not there, or can't be packed. */
export async function packageTemplate(
  path: string,
  given: ParsedTemplate,
  options: PackageOptions,
): Promise<TemplateMap> {
  return packageSections(path, given, { ...options, depth: 0, packed: new Map() });
}

async function packageSections(
  path: string,
  given: ParsedTemplate,
  options: PackageOptions & Pick<Packing, "depth" | "packed">,
): Promise<TemplateMap> {
  const assets = readCdkAssets(path);
  const sections = assets === null ? given.sections : withoutBootstrap(given.sections);
  const template = templateOf({ ...given, sections }, path);
  const values = readLocally(template, options);
  const packing: Packing = { ...options, path, template, values, assets };
  const resources: Record<string, TemplateValue> = {};
  for (const [logicalId, resource] of Object.entries(values.resources))
    resources[logicalId] = await packageResource(packing, logicalId, resource);
  noteUnusedVariables(packing);
  const whole = { ...sections, Resources: resources, ...globalsOf(sections) };
  const included = await packageIncludes(packing, whole);
  return assets === null ? included : putAssets(packing, included, assets);
}

/** What was merged into each function is not said twice. */
function globalsOf(sections: TemplateMap): TemplateMap {
  const globals = sections["Globals"];
  if (!isTemplateMap(globals) || !isTemplateMap(globals["Function"])) return {};
  const { CodeUri: _code, ...rest } = globals["Function"];
  return { Globals: { ...globals, Function: rest } };
}

/** Assets lie in Thaw's own bucket: nothing of what `cdk bootstrap` makes is needed. */
function withoutBootstrap(sections: TemplateMap): TemplateMap {
  const without = (key: string, name: string): TemplateMap => {
    const section = sections[key];
    if (!isTemplateMap(section) || !Object.hasOwn(section, name)) return {};
    return { [key]: Object.fromEntries(Object.entries(section).filter(([each]) => each !== name)) };
  };
  const changed = { ...without("Parameters", BOOTSTRAP.parameter), ...without("Rules", BOOTSTRAP.rule) };
  return { ...sections, ...changed };
}

async function packageResource(packing: Packing, logicalId: string, whole: TemplateValue): Promise<TemplateValue> {
  if (!isTemplateMap(whole)) return whole;
  const type = String(whole["Type"]);
  const packager = Object.hasOwn(PACKAGERS, type) ? PACKAGERS[type] : undefined;
  if (packager === undefined) return whole;
  const own = isTemplateMap(whole["Properties"]) ? whole["Properties"] : {};
  const metadata = isTemplateMap(whole["Metadata"]) ? whole["Metadata"] : {};
  const isPresent = packing.values.isPresent(whole);
  const isBuilt = isBuiltBySam(metadata) || packing.built.has(logicalId);
  if (metadata["BuildMethod"] !== undefined && !isBuilt && readEsbuild(logicalId, metadata) === null)
    packing.note(
      `Resources.${logicalId}.Metadata.BuildMethod is for sam build, which has not been run: the folder goes as it is`,
    );
  const overridden = type === SAM_FUNCTION || type === "AWS::Lambda::Function";
  const properties = overridden ? withVariables(packing, logicalId, whole, own) : own;
  return {
    ...whole,
    Properties: await packager(packing, { logicalId, type, properties, metadata, isPresent, whole }),
  };
}

/** Values of `--env-vars` in the place of the template's. */
function withVariables(
  { template, environment, values, note }: Packing,
  logicalId: string,
  whole: TemplateMap,
  own: TemplateMap,
): TemplateMap {
  if (Object.keys(environment).length === 0) return own;
  const merged = whole["Type"] === SAM_FUNCTION ? withGlobals(template, whole, own) : own;
  const name = nameOf(values, own) ?? logicalId;
  const { Environment } = overrideVariables(merged, logicalId, name, environment, reportTo(note));
  return Environment === undefined ? own : { ...own, Environment };
}

function noteUnusedVariables({ environment, values, note }: Packing): void {
  const names = Object.entries(values.resources).flatMap(([logicalId, whole]) => {
    const isFunction = isTemplateMap(whole) && /^AWS::(?:Serverless|Lambda)::Function$/.test(String(whole["Type"]));
    if (!isFunction) return [];
    const own = isTemplateMap(whole["Properties"]) ? whole["Properties"] : {};
    return [logicalId, nameOf(values, own) ?? logicalId];
  });
  noteUnused(environment, new Set(names), reportTo(note));
}

function nameOf(values: LocalValues, own: TemplateMap): string | null {
  const given = own["FunctionName"];
  const name = given === undefined ? null : values.value(given);
  return typeof name === "string" ? name : null;
}

function reportTo(note: (text: string) => void): Report {
  const fail = (place: string, reason: string): never => {
    throw new CommandError(`${place} ${reason}`);
  };
  return { error: fail, unsupported: fail, note: (place, text) => note(`${place} ${text}`) };
}

async function packageSamFunction(packing: Packing, resource: Resource): Promise<TemplateMap> {
  const { properties, whole } = resource;
  const merged = withGlobals(packing.template, whole, properties);
  if (merged["ImageUri"] !== undefined || merged["PackageType"] === "Image") return refusePrimes(resource, properties);
  const inline = merged["InlineCode"];
  if (inline !== undefined) {
    const primes = primesOf(packing, resource);
    if (primes === null || typeof inline !== "string") return properties;
    const stored = await packing.artifacts.put(
      await packageInline(inline, String(packing.values.value(merged["Runtime"] ?? "")), primes),
      ".zip",
    );
    const { InlineCode: _text, ...rest } = properties;
    return { ...rest, CodeUri: uriOf(stored) };
  }
  if (merged["CodeUri"] === undefined)
    packing.note(`Resources.${resource.logicalId} has no CodeUri: the template's own folder is its code`);
  return packageUri(
    packing,
    { ...resource, properties: { ...properties, CodeUri: merged["CodeUri"] ?? "." } },
    "CodeUri",
  );
}

async function packageFunction(packing: Packing, resource: Resource): Promise<TemplateMap> {
  const { properties } = resource;
  const code = properties["Code"];
  if (isTemplateMap(code) && code["ImageUri"] !== undefined) return refusePrimes(resource, properties);
  if (!isTemplateMap(code) || typeof code["ZipFile"] !== "string") return packageObject(packing, resource, "Code");
  const primes = primesOf(packing, resource);
  if (primes === null) return properties;
  const runtime = String(packing.values.value(properties["Runtime"] ?? ""));
  const stored = await packing.artifacts.put(await packageInline(code["ZipFile"], runtime, primes), ".zip");
  return { ...properties, Code: objectOf(stored) };
}

/** A property of SAM's: `s3://BUCKET/KEY`, a map of Bucket and Key, or a path. */
async function packageUri(packing: Packing, resource: Resource, property: string): Promise<TemplateMap> {
  const path = pathOf(packing, resource, property);
  if (path === null) return refusePrimes(resource, resource.properties);
  return { ...resource.properties, [property]: uriOf(await packagePath(packing, resource, path)) };
}

/** A property of CloudFormation's: S3Bucket and S3Key, which another tool may have meant for a file here; or a path. */
async function packageObject(packing: Packing, resource: Resource, property: string): Promise<TemplateMap> {
  const { properties, metadata } = resource;
  const value = properties[property];
  const asset = metadata["aws:asset:path"];
  const isAsset = typeof asset === "string" && (metadata["aws:asset:property"] ?? property) === property;
  const found = isTemplateMap(value)
    ? (fileOf(packing, value) ?? (isAsset && packing.assets === null ? asset : null))
    : pathOf(packing, resource, property);
  if (found === null) return refusePrimes(resource, properties);
  return { ...properties, [property]: objectOf(await packagePath(packing, resource, found)) };
}

/** The file that a manifest without destinations, or osls, has for a key. */
function fileOf({ assets, path }: Packing, { S3Key: key }: TemplateMap): string | null {
  if (typeof key !== "string") return null;
  const digest = key.slice(key.lastIndexOf("/") + 1).replace(/\.zip$/, "");
  const asset = assets?.find((each) => each.digest === digest && each.objects.length === 0);
  return asset?.path ?? oslsZip(path, key);
}

/** A path on this host; null: the property names an object, or something that CloudFormation refuses. */
export function pathOf(
  { values }: Pick<Packing, "values">,
  { logicalId, properties }: Pick<Resource, "logicalId" | "properties">,
  property: string,
): string | null {
  const given = properties[property];
  if (given === undefined) return null;
  if (isTemplateMap(given) && (given["Bucket"] !== undefined || given["S3Bucket"] !== undefined)) return null;
  const value = values.value(given);
  if (isTemplateMap(value)) return null;
  if (typeof value !== "string")
    throw new CommandError(
      `Resources.${logicalId}.Properties.${property} must be a path, or name a bucket and a key: what it is made of is known to the stack only`,
    );
  return /^(?:s3|https?):\/\//.test(value) ? null : value;
}

async function packagePath(packing: Packing, resource: Resource, path: string): Promise<StoredObject> {
  const { artifacts, packed } = packing;
  const primes = primesOf(packing, resource);
  if (!resource.isPresent) return { bucket: artifacts.bucket, key: NOT_PACKED };
  const built = packing.built.get(resource.logicalId);
  const full = built ?? resolve(dirname(packing.path), path);
  const esbuild = built === undefined ? readEsbuild(resource.logicalId, resource.metadata) : null;
  const id = JSON.stringify([full, primes, esbuild]);
  const known = packed.get(id) ?? packAndPut();
  packed.set(id, known);
  const stored = await known;
  await noteMissingHandler(packing, resource, full);
  return stored;

  async function packAndPut(): Promise<StoredObject> {
    try {
      const code =
        esbuild === null
          ? await packageCode(dirname(packing.path), full, primes)
          : await packageBundle(full, esbuild, primes);
      return await artifacts.put(code, ".zip");
    } catch (error) {
      if (error instanceof CommandError) throw new CommandError(`Resources.${resource.logicalId}: ${error.message}`);
      throw error;
    }
  }
}

/** Says where a function will fail at its first Init: AWS takes such code, too. */
async function noteMissingHandler(packing: Packing, resource: Resource, path: string): Promise<void> {
  const { template, values, note } = packing;
  const { logicalId, type, whole, properties, metadata } = resource;
  if (type !== SAM_FUNCTION && type !== "AWS::Lambda::Function") return;
  const entrance = entranceOf(type === SAM_FUNCTION ? withGlobals(template, whole, properties) : properties, values);
  if (entrance === null) return;
  const isSource = !packing.built.has(logicalId) && readEsbuild(logicalId, metadata) !== null;
  const handler = (isSource ? inSource(entrance.handler, metadata) : null) ?? entrance.handler;
  const sentence = await missingHandler({ ...entrance, handler }, path, isSource);
  if (sentence !== null) note(`Resources.${logicalId}: ${sentence}`);
}

export function primesOf(
  { values }: Pick<Packing, "values">,
  { logicalId, metadata }: Pick<Resource, "logicalId" | "metadata">,
): string | null {
  const thaw = metadata["Thaw"];
  if (thaw === undefined) return null;
  const known = values.value(thaw);
  const primes = isTemplateMap(known) ? readPrimes(known) : null;
  if (primes === null)
    throw new CommandError(`Resources.${logicalId}.${PRIME} must be Prime: { Events: [...], Times: 1 or more }`);
  return primes;
}

/** Of code that is not packed here. */
function refusePrimes({ logicalId, metadata }: Resource, properties: TemplateMap): TemplateMap {
  if (metadata["Thaw"] === undefined) return properties;
  throw new CommandError(
    `Resources.${logicalId}.${PRIME} needs code that is packed here: put thaw.prime.json into the package or the image instead`,
  );
}

/** A definition in a file becomes one in the template. */
async function inlineDefinition(
  packing: Packing,
  resource: Resource,
  property: string,
  inline: string,
): Promise<TemplateMap> {
  const path = pathOf(packing, resource, property);
  if (path === null) return resource.properties;
  const full = resolve(dirname(packing.path), path);
  const { [property]: _file, ...rest } = resource.properties;
  return { ...rest, [inline]: parseSnippet(decodeUserText(readFileOrFail(full), full), full) };
}

async function packageNested(packing: Packing, resource: Resource, property: string): Promise<TemplateMap> {
  const path = isTemplateMap(resource.properties[property]) ? null : pathOf(packing, resource, property);
  if (path === null) return resource.properties;
  const full = resolve(dirname(packing.path), path);
  if (packing.depth === NESTED_MAX)
    throw new CommandError(`${full}: stacks are nested ${NESTED_MAX} levels deep at most`);
  const { artifacts, environment, note, packed, region, accountId, stackName } = packing;
  const built = new Map<string, string>();
  const options = { artifacts, environment, built, note, packed, region, accountId, stackName, parameters: {} };
  const template = await packageSections(full, readSections(full), { ...options, depth: packing.depth + 1 });
  const { bucket, key } = await artifacts.put(Buffer.from(JSON.stringify(template)), ".template");
  return { ...resource.properties, [property]: `https://s3.amazonaws.com/${bucket}/${key}` };
}

/** Files that `AWS::Include` names. */
async function packageIncludes(packing: Packing, value: TemplateMap): Promise<TemplateMap> {
  const members = Object.entries(value).map(async ([key, member]): Promise<[string, TemplateValue]> => {
    const isMacro = (key === "Fn::Transform" || key === "Transform") && isTemplateMap(member);
    return [key, isMacro ? await packageInclude(packing, member) : await packageIncludesOf(packing, member)];
  });
  return Object.fromEntries(await Promise.all(members));
}

async function packageIncludesOf(packing: Packing, value: TemplateValue): Promise<TemplateValue> {
  if (isTemplateList(value)) return Promise.all(value.map((each) => packageIncludesOf(packing, each)));
  return isTemplateMap(value) ? packageIncludes(packing, value) : value;
}

async function packageInclude({ artifacts, path }: Packing, macro: TemplateMap): Promise<TemplateMap> {
  const parameters = macro["Parameters"];
  const location = isTemplateMap(parameters) ? parameters["Location"] : undefined;
  if (macro["Name"] !== "AWS::Include" || typeof location !== "string" || location.startsWith("s3://")) return macro;
  const content = readFileOrFail(resolve(dirname(path), location));
  return { ...macro, Parameters: { Location: uriOf(await artifacts.put(content, ".include")) } };
}

/** Puts all assets into the bucket, and names it where the template names that of `cdk bootstrap`. */
async function putAssets(
  { artifacts, path }: Packing,
  template: TemplateMap,
  assets: readonly CdkAsset[],
): Promise<TemplateMap> {
  const folder = dirname(path);
  const buckets = new Set<string>();
  for (const asset of assets)
    for (const { bucket, key } of asset.objects) {
      buckets.add(bucket);
      const read = async (): Promise<Buffer> =>
        asset.isFolder ? packageCode(folder, asset.path) : readFileOrFail(resolve(folder, asset.path));
      await artifacts.putAs(key, read);
    }
  const rename = (value: TemplateValue): TemplateValue => {
    if (typeof value === "string")
      return [...buckets].reduce((text, bucket) => text.replaceAll(bucket, artifacts.bucket), value);
    if (isTemplateList(value)) return value.map(rename);
    return isTemplateMap(value)
      ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, rename(member)]))
      : value;
  };
  return rename(template) as TemplateMap;
}

function uriOf({ bucket, key }: StoredObject): string {
  return `s3://${bucket}/${key}`;
}

function objectOf({ bucket, key }: StoredObject): TemplateMap {
  return { S3Bucket: bucket, S3Key: key };
}
