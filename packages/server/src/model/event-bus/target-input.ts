/**
 * What a target gets of an event: all of it, a constant, a part, or a text that is made of parts.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
import type { Json } from "../event-json.ts";
import type { TargetInput } from "./record.ts";
import { parseJsonPath, valueAt } from "./json-path.ts";

/** What the names that AWS reserves stand for. */
export interface InputFacts {
  readonly ruleName: string;
  readonly ruleArn: string;
  /** The event, as JSON. */
  readonly event: string;
  /** Gives the event, read once for all targets that want a part of it. */
  readonly parsed: () => Json;
  /** When the event came, as AWS writes times. */
  readonly ingestionTime: string;
}

/** Names in a template: `<name>`. */
const PLACEHOLDER = /<([A-Za-z0-9._-]{1,256})>/g;
const RESERVED: Readonly<Record<string, (facts: InputFacts) => Json>> = {
  "aws.events.rule-arn": (facts) => facts.ruleArn,
  "aws.events.rule-name": (facts) => facts.ruleName,
  "aws.events.event.ingestion-time": (facts) => facts.ingestionTime,
};
/** These two are the event itself; AWS leaves its detail out of the first. */
const WITHOUT_DETAIL = "aws.events.event";
const WHOLE_EVENT = "aws.events.event.json";

/**
 * Makes the payload. Null where it is no JSON: the target is not called. A template that makes more than `lengthMax`
 * characters is not filled in to its end: it may name a large part of the event thousands of times.
 */
export function payloadOf(input: TargetInput, facts: InputFacts, lengthMax: number): Buffer | null | "too large" {
  switch (input.kind) {
    case "whole":
      return Buffer.from(facts.event);
    case "constant":
      return Buffer.from(input.json);
    case "path": {
      const path = parseJsonPath(input.path);
      const value = path === null ? undefined : valueAt(path, facts.parsed());
      // AWS gives an empty object where the path leads nowhere.
      return Buffer.from(value === undefined ? "{}" : JSON.stringify(value));
    }
    case "template":
      return fromTemplate(input, facts, lengthMax);
  }
}

function fromTemplate(
  { paths, template }: Extract<TargetInput, { readonly kind: "template" }>,
  facts: InputFacts,
  lengthMax: number,
): Buffer | null | "too large" {
  const event = facts.parsed() as { readonly [key: string]: Json };
  const values = new Map<string, Json | undefined>();
  for (const [name, text] of Object.entries(paths)) {
    const path = parseJsonPath(text);
    values.set(name, path === null ? undefined : valueAt(path, event));
  }
  const valueOf = (name: string): Filled => {
    if (values.has(name)) return { value: values.get(name), isKnown: true };
    if (name === WHOLE_EVENT) return { value: event, isKnown: true };
    if (name === WITHOUT_DETAIL) {
      const { detail: _, ...rest } = event;
      return { value: rest, isKnown: true };
    }
    const reserved = Object.hasOwn(RESERVED, name) ? RESERVED[name] : undefined;
    return reserved === undefined ? { value: undefined, isKnown: false } : { value: reserved(facts), isKnown: true };
  };
  const text = fill(template, valueOf, lengthMax);
  if (text === null) return "too large";
  return isJson(text) ? Buffer.from(text) : null;
}

interface Filled {
  readonly value: Json | undefined;
  /** False where the name is none: then the text stays as it is. */
  readonly isKnown: boolean;
}

/**
 * Fills a template in. Within a text of it a value stands without quotes, elsewhere it is JSON. Null where it becomes
 * longer than `lengthMax`.
 */
function fill(template: string, valueOf: (name: string) => Filled, lengthMax: number): string | null {
  const parts: string[] = [];
  let length = template.length;
  let isInText = false;
  let from = 0;
  for (const found of template.matchAll(PLACEHOLDER)) {
    const [whole, name = ""] = found;
    const before = template.slice(from, found.index);
    isInText = endsInText(before, isInText);
    from = found.index + whole.length;
    const { value, isKnown } = valueOf(name);
    const put = isKnown ? shown(value, isInText) : whole;
    length += put.length;
    if (length > lengthMax) return null;
    parts.push(before, put);
  }
  parts.push(template.slice(from));
  return parts.join("");
}

/** Quotes inside of a text would end it: AWS leaves out those of objects, and does not escape those of texts. */
function shown(value: Json | undefined, isInText: boolean): string {
  if (!isInText) return value === undefined ? '""' : JSON.stringify(value);
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value).replaceAll('"', "");
}

function endsInText(text: string, isInText: boolean): boolean {
  let inside = isInText;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') inside = !inside;
  }
  return inside;
}

/** Why a template can't be filled in to JSON, whatever the event is; null where it can. */
export function templateProblem(template: string): string | null {
  const filled = fill(template, () => ({ value: 0, isKnown: true }), Number.POSITIVE_INFINITY);
  try {
    JSON.parse(filled ?? "");
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
