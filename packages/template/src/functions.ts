/** The functions of a template for those who read code and deploy nothing: where it is, and how it is entered. */
import { posix } from "node:path";
import { withGlobals } from "./globals.ts";
import { type LocalValues, readLocally } from "./local-values.ts";
import type { Template } from "./template.ts";
import { isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

export type TemplateCode =
  /** From the template's folder. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "inline"; readonly text: string }
  | { readonly kind: "object" }
  | { readonly kind: "image" };

export interface TemplateFunction {
  readonly logicalId: string;
  readonly code: TemplateCode;
  /** Null: there is none, or only the stack knows it. */
  readonly handler: string | null;
  readonly runtime: string | null;
  /** Names of layers. */
  readonly layers: readonly string[];
}

const SAM_FUNCTION = "AWS::Serverless::Function";
const FUNCTION = "AWS::Lambda::Function";
const LAYERS = new Set(["AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion"]);
/** Place of the name in a layer's ARN. */
const LAYER_NAME_AT = 6;

/** Those under no false condition whose code is told. Throws CommandError where a loop can't be unrolled. */
export function readFunctions(template: Template, stackName: string): readonly TemplateFunction[] {
  const values = readLocally(template, {
    region: "us-east-1",
    accountId: "000000000000",
    stackName,
    parameters: {},
  });
  return Object.entries(values.resources).flatMap(([logicalId, resource]) => {
    const type = isTemplateMap(resource) ? resource["Type"] : undefined;
    if (!isTemplateMap(resource) || (type !== SAM_FUNCTION && type !== FUNCTION) || !values.isPresent(resource))
      return [];
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    const properties = type === SAM_FUNCTION ? withGlobals(template, resource, own) : own;
    const code = type === SAM_FUNCTION ? samCode(properties, values) : lambdaCode(resource, properties, values);
    const text = (key: string): string | null => textOf(values, properties[key]);
    const layers = layersOf(values, properties["Layers"]);
    const handler = inSource(text("Handler"), resource["Metadata"]);
    return code === null ? [] : [{ logicalId, code, handler, runtime: text("Runtime"), layers }];
  });
}

/**
 * Finds the handler where the source has it. esbuild puts what it makes of an entry point below the folder that all
 * entry points share; the code of a template that `sam build` has written is made already.
 */
export function inSource(handler: string | null, metadata: TemplateValue | undefined): string | null {
  if (handler === null || !isTemplateMap(metadata) || metadata["BuildMethod"] !== "esbuild") return handler;
  const properties = metadata["BuildProperties"];
  const given = isTemplateMap(properties) ? properties["EntryPoints"] : undefined;
  if (metadata["SamResourceId"] !== undefined || !isTemplateList(given)) return handler;
  const modules = given.map((each) =>
    posix
      .normalize(String(each))
      .replace(/\.[cm]?[jt]sx?$/, "")
      .split("/"),
  );
  const [first = []] = modules;
  const differs = first.findIndex((part, at) => at === first.length - 1 || modules.some((each) => each[at] !== part));
  const dot = handler.lastIndexOf(".");
  const wanted = posix.normalize(handler.slice(0, dot));
  const found = modules.find((each) => each.slice(Math.max(differs, 0)).join("/") === wanted);
  return found === undefined ? handler : `${found.join("/")}${handler.slice(dot)}`;
}

function textOf(values: LocalValues, value: TemplateValue | undefined): string | null {
  const known = value === undefined ? undefined : values.value(value);
  return isScalar(known) ? String(known) : null;
}

/** A missing CodeUri is the template's own folder. */
function samCode(properties: TemplateMap, values: LocalValues): TemplateCode | null {
  if (properties["ImageUri"] !== undefined || properties["PackageType"] === "Image") return { kind: "image" };
  const inline = textOf(values, properties["InlineCode"]);
  if (inline !== null) return { kind: "inline", text: inline };
  return properties["CodeUri"] === undefined ? { kind: "path", path: "." } : codeAt(values, properties["CodeUri"]);
}

function lambdaCode(resource: TemplateMap, properties: TemplateMap, values: LocalValues): TemplateCode | null {
  const code = properties["Code"];
  if (isTemplateMap(code) && code["ImageUri"] !== undefined) return { kind: "image" };
  const inline = isTemplateMap(code) ? textOf(values, code["ZipFile"]) : null;
  if (inline !== null) return { kind: "inline", text: inline };
  // The CDK says in the metadata where an asset lies.
  const metadata = isTemplateMap(resource["Metadata"]) ? resource["Metadata"] : {};
  const asset = metadata["aws:asset:path"];
  if (typeof asset === "string" && (metadata["aws:asset:property"] ?? "Code") === "Code")
    return { kind: "path", path: asset };
  return code === undefined ? null : codeAt(values, code);
}

/** Null: it is known to the stack only. */
function codeAt(values: LocalValues, value: TemplateValue): TemplateCode | null {
  const known = values.value(value);
  if (isTemplateMap(known)) return { kind: "object" };
  if (typeof known !== "string") return null;
  return known.startsWith("s3://") ? { kind: "object" } : { kind: "path", path: known };
}

function layersOf(values: LocalValues, layers: TemplateValue | undefined): readonly string[] {
  return (isTemplateList(layers) ? layers : []).flatMap((layer) => {
    const id = isTemplateMap(layer) ? layer["Ref"] : undefined;
    const resource = typeof id === "string" ? values.resources[id] : undefined;
    if (typeof id === "string" && isTemplateMap(resource) && LAYERS.has(String(resource["Type"]))) {
      const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
      return [textOf(values, own["LayerName"]) ?? id];
    }
    return textOf(values, layer)?.split(":")[LAYER_NAME_AT] ?? [];
  });
}
