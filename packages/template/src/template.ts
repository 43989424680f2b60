/**
 * Reads a template: YAML with CloudFormation's short tags, or JSON. `!Ref X` becomes `{ Ref: X }`, `!Sub` and the rest
 * `{ "Fn::Sub": … }`.
 */
import { readFileSync } from "node:fs";
import { isMap, isSeq, parseDocument, type CollectionTag, type ScalarTag, type YAMLMap, type YAMLSeq } from "yaml";
import { CommandError } from "@thaw/installation/command-error";

export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | { readonly [key: string]: TemplateValue };
export type TemplateMap = { readonly [key: string]: TemplateValue };

export interface Template {
  readonly Transform?: TemplateValue;
  readonly Globals?: TemplateMap;
  readonly Parameters?: { readonly [name: string]: TemplateMap };
  readonly Resources: { readonly [logicalId: string]: TemplateMap };
  readonly Outputs?: { readonly [name: string]: TemplateMap };
  readonly [section: string]: unknown;
}

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
];

export function readTemplate(path: string): Template {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(`${path} can't be read: ${(error as Error).message}`);
  }
  const document = parseDocument(text, { customTags: tags(), logLevel: "silent" });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw new CommandError(`${path}: ${problem.message}`);
  const template: unknown = document.toJS();
  if (!isTemplateMap(template) || !isTemplateMap(template["Resources"] as unknown))
    throw new CommandError(`${path} is no template: it has no Resources`);
  return template as unknown as Template;
}

export function isTemplateMap(value: unknown): value is TemplateMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function longName(name: string): string {
  return name === "Ref" || name === "Condition" ? name : `Fn::${name}`;
}

function tags(): Array<ScalarTag | CollectionTag> {
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

/** The collection stays a node, so that tags inside it are resolved too. */
function wrap(name: string, node: YAMLMap.Parsed | YAMLSeq.Parsed): unknown {
  if (!isMap(node) && !isSeq(node)) return node;
  return { [longName(name)]: node.toJSON() as unknown };
}

function splitOnce(text: string): string[] {
  const at = text.indexOf(".");
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
