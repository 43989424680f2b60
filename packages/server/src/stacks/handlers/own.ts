/** What handlers share: whose a thing is, tags in the forms of templates and services, and settings that went. */
import { isDeepStrictEqual } from "node:util";
import { readTags } from "@thaw/stacks/nested-stack";
import type { TemplateMap, TemplateValue } from "@thaw/template/value";
import { CallError } from "../../ports/service-calls.ts";
import type { HandlerContext } from "./handler.ts";

export type Tags = Readonly<Record<string, string>>;
/** What tells a resource from all others. */
export type Owner = Pick<HandlerContext, "stackId" | "logicalId">;

const STACK_ID = "aws:cloudformation:stack-id";
const LOGICAL_ID = "aws:cloudformation:logical-id";

/** Those of the template over those of the stack, and AWS's own. */
export function tagsOf(given: TemplateValue | undefined, context: Pick<HandlerContext, "tags">): Tags {
  return { ...context.tags, ...readTags(given) };
}

/** Whether a thing bears the tags of this resource: a crash may have come after it was made. */
export function isOwn(tags: unknown, { stackId, logicalId }: Owner): boolean {
  const borne = tags as Tags | undefined;
  return borne?.[STACK_ID] === stackId && borne[LOGICAL_ID] === logicalId;
}

/** Tags to be set and keys to be taken away. AWS's own stay. */
export function tagChanges(before: unknown, after: Tags): { readonly set: Tags; readonly gone: readonly string[] } {
  const borne = (before ?? {}) as Tags;
  return {
    set: Object.fromEntries(Object.entries(after).filter(([key, value]) => borne[key] !== value)),
    gone: Object.keys(borne).filter((key) => !Object.hasOwn(after, key) && !key.startsWith("aws:")),
  };
}

export function isChanged(before: TemplateMap, after: TemplateMap, names: readonly string[]): boolean {
  return names.some((name) => !isDeepStrictEqual(before[name], after[name]));
}

/** Those that are given. */
export function pick(properties: TemplateMap, names: readonly string[]): Readonly<Record<string, TemplateValue>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = properties[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** What Lambda says where there is none. */
export const GONE: readonly string[] = ["ResourceNotFoundException"];

export function isRefusal(error: unknown, code: string): boolean {
  return error instanceof CallError && error.code === code;
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
