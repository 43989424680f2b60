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
  const merged = Object.entries(over).map(([key, value]): [string, TemplateValue] => {
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    if (isTemplateMap(below) && isTemplateMap(value) && !isCall(below) && !isCall(value))
      return [key, merge(below, value)];
    if (isTemplateList(below) && isTemplateList(value) && key !== "Architectures") return [key, [...below, ...value]];
    return [key, value];
  });
  return Object.fromEntries([...Object.entries(base), ...merged]);
}
