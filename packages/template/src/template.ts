/**
 * Reads a template: YAML with CloudFormation's short tags, or JSON. `!Ref X` becomes `{ Ref: X }`, `!Sub` and the rest
 * `{ "Fn::Sub": … }`. The sections are checked to be what their names say, nothing is evaluated.
 */
import { statSync } from "node:fs";
import {
  type CollectionTag,
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type ScalarTag,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { CommandError } from "@thaw/installation/command-error";
import { readUserText } from "@thaw/installation/user-text";
import { jsonDoubles } from "./json-doubles.ts";
import { keepNames, keepNamesOfCall } from "./name-scalars.ts";
import { changedText, readScalar, SCALAR_TAGS } from "./scalars.ts";
import { isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

type Sections = { readonly [name: string]: TemplateMap };

export interface Template {
  readonly description: string | null;
  readonly metadata: TemplateMap | null;
  /** Names of the macros, in their order. */
  readonly transforms: readonly string[];
  readonly globals: TemplateMap;
  readonly parameters: Sections;
  readonly mappings: Sections;
  readonly conditions: TemplateMap;
  readonly rules: Sections;
  /** Those of `Fn::ForEach::…` among them, whose values are lists. */
  readonly resources: TemplateMap;
  readonly outputs: TemplateMap;
  /** Sections that have no meaning for a deployment here. */
  readonly others: readonly string[];
  /** Texts of plain scalars that YAML 1.1 takes for another value, by their path: `yes` for true. */
  readonly reread: ReadonlyMap<string, string>;
  /** Paths of keys that a map has twice; the last one counts. */
  readonly doubles: readonly string[];
}

/** CloudFormation's own limit on a template. */
const BYTES_MAX = 1024 * 1024;
/**
 * Lines of a flow collection may begin further left than YAML says, for CloudFormation's parser does not mind: such a
 * line is moved to the right.
 */
const UNDER_INDENTED = /^Flow (?:map|sequence) in block collection must be sufficiently indented/;
const INDENTATION = " ".repeat(40);
const REPAIRS_MAX = 100;
/** Characters that are read again for repairs: each reads the whole text once more. */
const REPAIRS_SIZE_MAX = 512 * 1024;
const DEPTH_MAX = 200;
const NO_STACK_LEFT = /^Maximum call stack size exceeded/;
const TOO_DEEP = `it is nested more than ${DEPTH_MAX} levels deep`;
const SILENT_SECTIONS = new Set(["AWSTemplateFormatVersion", "Description", "Metadata"]);
const READ_SECTIONS = new Set([
  "Transform",
  "Globals",
  "Parameters",
  "Mappings",
  "Conditions",
  "Rules",
  "Resources",
  "Outputs",
]);

const FUNCTIONS = [
  "Ref",
  "Condition",
  "Base64",
  "Cidr",
  "FindInMap",
  "GetAtt",
  "GetAZs",
  "ImportValue",
  "Join",
  "Select",
  "Split",
  "Sub",
  "Transform",
  "If",
  "Equals",
  "And",
  "Or",
  "Not",
  "ToJsonString",
  "Length",
  "Contains",
  "EachMemberEquals",
  "EachMemberIn",
  "RefAll",
  "ValueOf",
  "ValueOfAll",
];

/** Throws CommandError when the file can't be read, or is no template. */
export function readTemplate(path: string): Template {
  return templateOf(readSections(path), path);
}

/** Throws CommandError when the file can't be read, or is no template. */
export function readSections(path: string): ParsedTemplate {
  let text: string;
  try {
    if (statSync(path).size > BYTES_MAX)
      throw new Error(`it is larger than ${BYTES_MAX} bytes, CloudFormation's limit`);
    text = readUserText(path);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${path} can't be read: ${(error as Error).message}`);
  }
  return parseSections(text, path);
}

/** Throws CommandError, which names the template as `name` says, when the text is no template. */
export function parseTemplate(text: string, name: string): Template {
  return templateOf(parseSections(text, name), name);
}

/** A template as transforms take it and give it: its sections as they are. */
export interface ParsedTemplate {
  readonly sections: TemplateMap;
  /** As those of Template, of the text; a template that a transform has made has none. */
  readonly reread?: ReadonlyMap<string, string>;
  readonly doubles?: readonly string[];
}

/** Throws CommandError when the sections are not what their names say. */
export function templateOf({ sections, reread, doubles }: ParsedTemplate, name: string): Template {
  const section = (key: string): TemplateMap => {
    const value = sections[key] ?? {};
    if (!isTemplateMap(value)) throw new CommandError(`${name}: ${key} must be a map of names`);
    return value;
  };
  const sectionOfMaps = (key: string): Sections => {
    const found = section(key);
    for (const [each, value] of Object.entries(found))
      if (!isTemplateMap(value)) throw new CommandError(`${name}: ${key}.${each} must be a map`);
    return found as Sections;
  };
  const { Description: description = null, Metadata: metadata = null } = sections;
  return {
    description: description === null ? null : String(description),
    metadata: isTemplateMap(metadata) ? metadata : null,
    transforms: transformsOf(sections["Transform"], name),
    globals: section("Globals"),
    parameters: sectionOfMaps("Parameters"),
    mappings: sectionOfMaps("Mappings"),
    conditions: section("Conditions"),
    rules: sectionOfMaps("Rules"),
    resources: checkResources(section("Resources"), name),
    outputs: section("Outputs"),
    others: Object.keys(sections).filter((key) => !READ_SECTIONS.has(key) && !SILENT_SECTIONS.has(key)),
    reread: reread ?? new Map(),
    doubles: doubles ?? [],
  };
}

/** Reads the text. Throws CommandError when it is no template. */
export function parseSections(text: string, name: string): ParsedTemplate {
  const { value, document } = readText(text, name);
  if (!isTemplateMap(value) || !isTemplateMap(value["Resources"]))
    throw new CommandError(`${name}: it has no Resources, so it is no template`);
  return {
    sections: value,
    reread: document === null ? new Map() : rereadScalars(document),
    doubles: document === null ? jsonDoubles(text) : findDoubles(document),
  };
}

/** Reads a part of a template that lies in a text of its own. Throws CommandError when it is neither YAML nor JSON. */
export function parseSnippet(text: string, name: string): TemplateValue {
  return readText(text, name).value as TemplateValue;
}

/** Throws CommandError when it is neither YAML nor JSON. `document`: null where it is JSON. */
function readText(text: string, name: string): { readonly value: unknown; readonly document: Document.Parsed | null } {
  try {
    const json = parseJson(text);
    const document = json === undefined ? parseYaml(text, name) : null;
    const value: unknown = document === null ? json : document.toJS();
    checkDepth(value, name);
    return { value, document };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (error instanceof RangeError) throw new CommandError(`${name}: ${TOO_DEEP}`);
    throw new CommandError(`${name}: ${(error as Error).message}`);
  }
}

/** Reads JSON; undefined: it is none. Keeps the digits of numbers that JavaScript can't hold. */
function parseJson(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined ? readScalar(context.source) : value;
  try {
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
  } catch (error) {
    // A flow map of YAML begins in the same way.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parseYaml(text: string, name: string): Document.Parsed {
  let repaired = text;
  /** The line that was moved last, and what was wrong with it where it stood. */
  let moved = { lineStart: -1, message: "" };
  for (let repairs = 0; ; repairs++) {
    const document = parseDocument(repaired, {
      schema: "failsafe",
      customTags: (own) => [...SCALAR_TAGS, ...own, ...functionTags()],
      stringKeys: true,
      // The last one counts, as with CloudFormation; `doubles` names them.
      uniqueKeys: false,
      merge: true,
      logLevel: "silent",
    });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem === undefined) {
      keepNames(document);
      return document;
    }
    // The parser goes down by calls of itself, and takes their end for one of the text's faults.
    if (NO_STACK_LEFT.test(problem.message)) throw new CommandError(`${name}: ${TOO_DEEP}`);
    const isOver = repairs === REPAIRS_MAX || repairs * text.length > REPAIRS_SIZE_MAX;
    if (!UNDER_INDENTED.test(problem.message)) throw new CommandError(`${name}: ${problem.message}`);
    const lineStart = repaired.lastIndexOf("\n", problem.pos[0] - 1) + 1;
    if (lineStart !== moved.lineStart) moved = { lineStart, message: problem.message };
    // Its end is missing: then no move helps, and a place behind all of them is no place in the text.
    if (isOver) throw new CommandError(`${name}: ${moved.message}`);
    repaired = `${repaired.slice(0, lineStart)}${INDENTATION}${repaired.slice(lineStart)}`;
  }
}

/** Paths of keys that a map has twice. */
function findDoubles(document: Document.Parsed): readonly string[] {
  const doubles: string[] = [];
  visit(document, {
    Map(_key, node, path) {
      const seen = new Set<string>();
      for (const { key } of node.items) {
        const name = isScalar(key) ? String(key.value) : "";
        if (seen.has(name) && name !== "<<") doubles.push(`${pathOf([...path, node])}.${name}`.replace(/^\./, ""));
        seen.add(name);
      }
    },
  });
  return doubles;
}

/** Level by level, not by recursion. */
function checkDepth(sections: unknown, name: string): void {
  let level: readonly unknown[] = [sections];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) throw new CommandError(`${name}: ${TOO_DEEP}`);
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
}

function transformsOf(value: TemplateValue | undefined, name: string): readonly string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? (value as readonly TemplateValue[]) : [value as TemplateValue]).map((each) => {
    if (typeof each === "string") return each;
    const macro = isTemplateMap(each) ? each["Name"] : undefined;
    if (typeof macro !== "string") throw new CommandError(`${name}: Transform must be the name of a macro, or a list`);
    return macro;
  });
}

function checkResources(resources: TemplateMap, name: string): TemplateMap {
  for (const [logicalId, resource] of Object.entries(resources)) {
    if (logicalId.startsWith("Fn::")) continue;
    if (!isTemplateMap(resource) || typeof resource["Type"] !== "string")
      throw new CommandError(`${name}: Resources.${logicalId} must be a map with a Type`);
    const properties = resource["Properties"];
    if (properties !== undefined && properties !== null && !isTemplateMap(properties))
      throw new CommandError(`${name}: Resources.${logicalId}.Properties must be a map`);
  }
  return resources;
}

function rereadScalars(document: Document.Parsed): Map<string, string> {
  const found = new Map<string, string>();
  visit(document, {
    Scalar(key, node, path) {
      if (key === "key" || node.type !== "PLAIN" || node.tag !== undefined) return;
      const { source, value } = node;
      // A name was kept as it is written.
      if (source === undefined || (value === source && typeof readScalar(source) !== "string")) return;
      if (changedText(source) !== null) found.set(pathOf([...path, node]), source);
    },
  });
  return found;
}

/** Places of items in their lists, looked up once for each list: a template may be one long list. */
const PLACES = new WeakMap<YAMLSeq, ReadonlyMap<unknown, number>>();

function placeIn(list: YAMLSeq, item: unknown): number {
  const places = PLACES.get(list) ?? new Map(list.items.map((each, index) => [each, index]));
  PLACES.set(list, places);
  return places.get(item) ?? -1;
}

function pathOf(nodes: readonly unknown[]): string {
  return nodes
    .flatMap((node, index) => {
      const below = nodes[index + 1];
      if (isSeq(node)) return [`[${placeIn(node, below)}]`];
      const key = (node as { key?: unknown } | null)?.key;
      return isScalar(key) ? [`.${String(key.value)}`] : [];
    })
    .join("")
    .replace(/^\./, "");
}

function longName(name: string): string {
  return name === "Ref" || name === "Condition" ? name : `Fn::${name}`;
}

function functionTags(): Array<ScalarTag | CollectionTag> {
  return FUNCTIONS.flatMap(
    (name): Array<ScalarTag | CollectionTag> => [
      {
        tag: `!${name}`,
        resolve: (text: string) => ({ [longName(name)]: name === "GetAtt" ? splitOnce(text) : text }),
      },
      { tag: `!${name}`, collection: "seq", resolve: (seq: YAMLMap.Parsed | YAMLSeq.Parsed) => wrap(name, seq) },
      { tag: `!${name}`, collection: "map", resolve: (map: YAMLMap.Parsed | YAMLSeq.Parsed) => wrap(name, map) },
    ],
  );
}

/** Gives the call as a value. Tags inside the collection are resolved with it. */
function wrap(name: string, node: YAMLMap.Parsed | YAMLSeq.Parsed): unknown {
  if (!isMap(node) && !isSeq(node)) return node;
  keepNamesOfCall(longName(name), node);
  return { [longName(name)]: node.toJSON() as unknown };
}

function splitOnce(text: string): string[] {
  const at = text.indexOf(".");
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
