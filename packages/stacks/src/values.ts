/** Values as CloudFormation compares and changes them. Their depth is limited by whoever read them. */
import {
  isScalar,
  isTemplateList,
  isTemplateMap,
  type Scalar,
  type TemplateMap,
  type TemplateValue,
} from "@thaw/template/value";

/** Says whether two values are the same: numbers and truth values are texts, and members have no order. */
export function sameValue(one: TemplateValue | undefined, other: TemplateValue | undefined): boolean {
  if (isScalar(one) && isScalar(other)) return String(one) === String(other);
  if (isTemplateList(one) && isTemplateList(other))
    return one.length === other.length && one.every((each, index) => sameValue(each, other[index]));
  if (!isTemplateMap(one) || !isTemplateMap(other)) return (one ?? null) === (other ?? null);
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameValue(one[key], other[key]))
  );
}

/** Makes a value of the same form with other scalars and keys as they are. */
export function mapScalars<T extends TemplateValue>(value: T, change: (scalar: Scalar) => Scalar): T {
  return mapped(value, change) as T;
}

function mapped(value: TemplateValue, change: (scalar: Scalar) => Scalar): TemplateValue {
  if (isTemplateList(value)) return value.map((each) => mapped(each, change));
  if (isTemplateMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapped(each, change)]));
  return value === null ? null : change(value);
}

/** Finds an attribute of a resource by its name: `Outputs.Url` is a name of its own, or a member of a map. */
export function attributeOf(attributes: TemplateMap, name: string): TemplateValue | undefined {
  if (Object.hasOwn(attributes, name)) return attributes[name];
  let found: TemplateValue | undefined = attributes;
  for (const part of name.split(".")) {
    if (!isTemplateMap(found) || !Object.hasOwn(found, part)) return undefined;
    found = found[part];
  }
  return found;
}
