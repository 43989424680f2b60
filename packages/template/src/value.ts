import { isMap } from "@thaw/installation/json-map";

/** Values of a template, as its text has them or as its functions make them. */
export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | { readonly [key: string]: TemplateValue };
export type TemplateMap = { readonly [key: string]: TemplateValue };
export type Scalar = string | number | boolean;

export function isTemplateMap(value: unknown): value is TemplateMap {
  return isMap(value);
}

export function isTemplateList(value: unknown): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** A call of one of the language's functions: a map whose only key is `Ref`, `Condition` or begins with `Fn::`. */
export function isCall(value: unknown): value is TemplateMap {
  if (!isTemplateMap(value)) return false;
  const [only, ...more] = Object.keys(value);
  return more.length === 0 && only !== undefined && (only === "Ref" || only.startsWith("Fn::"));
}
