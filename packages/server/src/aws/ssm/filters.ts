/** Filters of lists of parameters. */
import type { ParameterStringFilter } from "@thaw/aws-api/ssm";
import type { ParameterRecord } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";

/** All of them must hold. */
export function matchesAll(parameter: ParameterRecord, filters: readonly ParameterStringFilter[]): boolean {
  return filters.every((filter) => matches(parameter, filter));
}

/** Throws InvalidFilterKey where a list can't be filtered so. */
export function checkFilters(filters: readonly ParameterStringFilter[], keys: readonly string[]): void {
  for (const { Key, Option } of filters) {
    if (!keys.includes(Key) && !(keys.includes("tag:") && Key.startsWith("tag:")))
      throw new ServiceError("InvalidFilterKey", `Parameters can't be filtered by ${Key.slice(0, 100)} here.`);
    const options =
      Key === "Path" ? ["Recursive", "OneLevel"] : Key === "Name" ? NAME_OPTIONS : ["Equals", "BeginsWith"];
    if (Option !== undefined && !options.includes(Option))
      throw new ServiceError("InvalidFilterOption", `The option of ${Key} must be ${options.join(" or ")}.`);
  }
}

const NAME_OPTIONS = ["Equals", "BeginsWith", "Contains"];

function matches(parameter: ParameterRecord, { Key, Option, Values = [] }: ParameterStringFilter): boolean {
  if (Key === "Path") return Values.some((path) => isBelow(parameter.id, path, Option === "Recursive"));
  if (Key.startsWith("tag:")) {
    const tag = Key.slice("tag:".length);
    if (!Object.hasOwn(parameter.tags, tag)) return false;
    return Values.length === 0 || Values.some((value) => isLike(parameter.tags[tag] ?? "", Option, value));
  }
  return textsOf(parameter, Key).some((text) => Values.some((value) => isLike(text, Option, value)));
}

/** The parameters of a path are those of its sub-paths: `/a` has `/a/b`, and with recursion `/a/b/c`. */
export function isBelow(name: string, path: string, isRecursive: boolean): boolean {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  if (!name.startsWith("/") || !name.startsWith(prefix)) return prefix === "/" && !name.includes("/");
  return isRecursive || !name.slice(prefix.length).includes("/");
}

function textsOf({ id, type, versions }: ParameterRecord, key: string): readonly string[] {
  const newest = versions.at(-1);
  switch (key) {
    case "Name":
      return [id];
    case "Type":
      return [type];
    case "KeyId":
      return newest?.keyId === null || newest === undefined ? [] : [newest.keyId];
    case "Tier":
      return newest === undefined ? [] : [newest.tier];
    case "DataType":
      return ["text"];
    case "Label":
      return versions.flatMap(({ labels }) => labels);
    default:
      return [];
  }
}

function isLike(text: string, option: string | undefined, value: string): boolean {
  if (option === "BeginsWith") return text.startsWith(value);
  return option === "Contains" ? text.includes(value) : text === value;
}
