/**
 * What the handlers of passed types share. A thing at another service is told from others by tags of Thaw's own: AWS
 * refuses tags of a client that begin with `aws:`.
 */
import { readTags } from "@thaw/stacks/nested-stack";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { HandlerContext } from "../handler.ts";
import type { Tags } from "../own.ts";

const STACK_ID = "thaw:stack-id";
const STACK_NAME = "thaw:stack-name";
const LOGICAL_ID = "thaw:logical-id";
const OWN: ReadonlySet<string> = new Set([STACK_ID, STACK_NAME, LOGICAL_ID]);

/** Tags of the template over those of the stack, and Thaw's own three. */
export function passedTags(given: TemplateValue | undefined, context: HandlerContext): Tags {
  const ofStack = Object.entries(context.tags).filter(([key]) => !key.startsWith("aws:"));
  const own = {
    [STACK_ID]: context.stackId,
    [STACK_NAME]: context.stackName,
    [LOGICAL_ID]: context.logicalId,
  };
  return { ...Object.fromEntries(ofStack), ...readTags(given), ...own };
}

export function isPassedOwn(tags: Tags, { stackId, logicalId }: HandlerContext): boolean {
  return tags[STACK_ID] === stackId && tags[LOGICAL_ID] === logicalId;
}

export function tagList(tags: Tags): ReadonlyArray<{ readonly Key: string; readonly Value: string }> {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function tagsOfList(listed: unknown): Tags {
  return readTags(listed as TemplateValue);
}

/** Tags to be set and keys to be taken away; Thaw's own stay. */
export function passedTagChanges(borne: Tags, after: Tags): { readonly set: Tags; readonly gone: readonly string[] } {
  return {
    set: Object.fromEntries(Object.entries(after).filter(([key, value]) => borne[key] !== value)),
    gone: Object.keys(borne).filter((key) => !Object.hasOwn(after, key) && !OWN.has(key) && !key.startsWith("aws:")),
  };
}

/** A document as a text; null where a property is not there. A document that is a text stays one. */
export function jsonOf(value: TemplateValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Members whose names are in the sets as numbers and booleans, at any depth: a template may have them as texts. */
export function withScalars(
  value: TemplateValue,
  numbers: ReadonlySet<string>,
  booleans: ReadonlySet<string>,
): TemplateValue {
  if (isTemplateList(value)) return value.map((each) => withScalars(each, numbers, booleans));
  if (!isTemplateMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      if (typeof each !== "string") return [name, withScalars(each, numbers, booleans)];
      if (numbers.has(name) && each.trim() !== "" && Number.isFinite(Number(each))) return [name, Number(each)];
      if (booleans.has(name) && (each === "true" || each === "false")) return [name, each === "true"];
      return [name, each];
    }),
  );
}

/** Names of properties that were given and are not any more. */
export function goneOf(before: TemplateMap, after: TemplateMap, names: readonly string[]): readonly string[] {
  return names.filter((name) => before[name] !== undefined && after[name] === undefined);
}
