/** Definitions of APIs, as far as both versions of API Gateway read them in the same way. */
import { isMap } from "@thaw/installation/json-map";
import { isScalar, parseDocument, visit } from "yaml";
import { badRequest } from "./refusals.ts";

export type Json = Readonly<Record<string, unknown>>;

export const INTEGRATION = "x-amazon-apigateway-integration";
export const ANY_METHOD = "x-amazon-apigateway-any-method";
const TAG_VALUE = "x-amazon-apigateway-tag-value";
const METHODS = new Set(["delete", "get", "head", "options", "patch", "post", "put", ANY_METHOD]);
/** Members of a path that describe it and are no method. */
const OF_A_PATH = new Set(["summary", "description", "servers", "parameters"]);
/** Far above what 300 routes need. */
const LENGTH_MAX = 1024 * 1024;

/** Reads JSON or YAML. Throws a BadRequestException where it is neither. */
export function parseDefinition(text: string): unknown {
  if (text.length > LENGTH_MAX) throw badRequest(`The definition has more than ${LENGTH_MAX} characters`);
  try {
    return text.trimStart().startsWith("{") ? JSON.parse(text) : parseYaml(text);
  } catch (error) {
    throw badRequest(`Unable to parse the definition: ${(error as Error).message.slice(0, 300)}`);
  }
}

/** Looks for keys that a map has twice by itself: the library compares each key of a map with all others. */
function parseYaml(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: false });
  const [problem] = document.errors;
  if (problem !== undefined) throw problem;
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (seen.has(name)) throw new Error(`Map keys must be unique: ${String(name)}`);
        seen.add(name);
      }
    },
  });
  return document.toJS({ maxAliasCount: 100 });
}

export interface DefinedOperation {
  readonly path: string;
  /** `ANY`, or HTTP's name. */
  readonly method: string;
  readonly operation: Json;
  /** Of the path, for all its operations. */
  readonly parameters: unknown;
  /** Where it stands in the definition. */
  readonly place: string;
}

/** Gives the operations of all paths. Throws a BadRequestException where there is anything else. */
export function operationsOf(definition: Json): readonly DefinedOperation[] {
  const operations: DefinedOperation[] = [];
  for (const [path, item] of Object.entries(mapOf(definition["paths"] ?? {}, "paths"))) {
    const { parameters } = mapOf(item, `paths.${path}`);
    for (const [key, operation] of Object.entries(mapOf(item, `paths.${path}`))) {
      if (OF_A_PATH.has(key)) continue;
      const place = `paths.${path}.${key}`;
      if (!METHODS.has(key)) throw badRequest(`${place} is no method`);
      const method = key === ANY_METHOD ? "ANY" : key.toUpperCase();
      operations.push({ path, method, operation: mapOf(operation, place), parameters, place });
    }
  }
  return operations;
}

/** An integration in place, or by its name in `components`. */
export function integrationAt(given: unknown, whole: Json, place: string): Json {
  const own = mapOf(given, place);
  const reference = textOf(own["$ref"]);
  return reference === null ? own : mapOf(resolve(whole, reference), reference);
}

/** `#/components/x-amazon-apigateway-integrations/name` */
export function resolve(whole: Json, reference: string): unknown {
  const steps = reference.split("/");
  if (steps[0] !== "#" || steps.length > 10) throw badRequest(`${reference} is no reference into the definition`);
  return steps
    .slice(1)
    .reduce<unknown>((at, step) => (isMap(at) && Object.hasOwn(at, step) ? at[step] : undefined), whole);
}

/** What an operation asks for, with scopes. SAM writes `NONE`, which no scheme has, where nothing is to be asked. */
export function requirementsOf(
  security: unknown,
  schemes: Json,
): ReadonlyArray<readonly [name: string, scopes: unknown]> {
  const all = (Array.isArray(security) ? security : []).flatMap((each) => (isMap(each) ? Object.entries(each) : []));
  return all.filter(([name]) => name !== "NONE" || Object.hasOwn(schemes, name));
}

/** Tags that API Gateway makes of a definition's. */
export function tagsOf(tags: unknown): Readonly<Record<string, string>> {
  const named = (Array.isArray(tags) ? tags : []).filter(isMap);
  return Object.fromEntries(
    named.flatMap((tag) => (tag[TAG_VALUE] === undefined ? [] : [[String(tag["name"]), String(tag[TAG_VALUE])]])),
  );
}

export function mapOf(value: unknown, place: string): Json {
  if (!isMap(value)) throw badRequest(`${place} must be a map`);
  return value;
}

export function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value);
}
