/** What a stack asks for where one of its resources is a stack. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { Tags } from "./stack-resource.ts";

/** Members of CreateStack and UpdateStack. */
export interface NestedInput {
  readonly TemplateURL: string;
  readonly Parameters: ReadonlyArray<{ readonly ParameterKey: string; readonly ParameterValue: string }>;
  readonly Capabilities: readonly string[];
  readonly Tags: ReadonlyArray<{ readonly Key: string; readonly Value: string }>;
}

/** Whoever made the parent was asked for what its template needs; AWS passes its capabilities on. */
const CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];

/** `tags`: all that it gets. */
export function nestedInput(properties: TemplateMap, tags: Tags): NestedInput {
  const parameters = properties["Parameters"];
  const given = isTemplateMap(parameters) ? Object.entries(parameters) : [];
  return {
    TemplateURL: String(properties["TemplateURL"]),
    Parameters: given.map(([key, value]) => ({ ParameterKey: key, ParameterValue: parameterOf(value) })),
    Capabilities: CAPABILITIES,
    Tags: Object.entries(tags).map(([key, value]) => ({ Key: key, Value: value })),
  };
}

function parameterOf(value: TemplateValue): string {
  return isTemplateList(value) ? value.map(String).join(",") : String(value);
}

/** Tags that each resource of a stack gets. */
export function stackTags(stack: { readonly id: string; readonly name: string }, logicalId: string, tags: Tags): Tags {
  return {
    ...tags,
    "aws:cloudformation:stack-id": stack.id,
    "aws:cloudformation:stack-name": stack.name,
    "aws:cloudformation:logical-id": logicalId,
  };
}

/** A list of Key and Value, or a map. */
export function readTags(given: TemplateValue | undefined): Tags {
  if (isTemplateList(given))
    return Object.fromEntries(
      given.filter(isTemplateMap).map((tag) => [String(tag["Key"]), String(tag["Value"] ?? "")]),
    );
  if (!isTemplateMap(given)) return {};
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)]));
}
