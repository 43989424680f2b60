/** The section Globals of SAM: properties that all functions have, unless they say otherwise. */
import type { Template } from "./template.ts";
import { isCall, isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

/** A SAM function's properties with those of Globals below them, but for those that `IgnoreGlobals` names. */
export function withGlobals(template: Template, resource: TemplateMap, own: TemplateMap): TemplateMap {
  const globals = template.globals["Function"];
  const ignored = resource["IgnoreGlobals"];
  if (!isTemplateMap(globals) || ignored === "*") return own;
  const without = new Set((isTemplateList(ignored) ? ignored : [ignored]).filter(isScalar).map(String));
  return merge(Object.fromEntries(Object.entries(globals).filter(([key]) => !without.has(key))), own);
}

/** Merges maps and joins lists; a call of a function is one value, which the more particular one replaces. */
function merge(base: TemplateMap, over: TemplateMap): TemplateMap {
  const merged: Record<string, TemplateValue> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    if (isTemplateMap(below) && isTemplateMap(value) && !isCall(below) && !isCall(value))
      merged[key] = merge(below, value);
    else if (isTemplateList(below) && isTemplateList(value) && key !== "Architectures")
      merged[key] = [...below, ...value];
    else merged[key] = value;
  }
  return merged;
}
