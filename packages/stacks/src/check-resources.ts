/** Checks the resources of a template against their types, before anything is made. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { PreparedResource } from "./prepared.ts";
import type { ResourceType, ResourceTypes } from "./resource-type.ts";
import { TemplateError } from "./template-error.ts";

type Resources = Readonly<Record<string, Pick<PreparedResource, "type">>>;

/** Stands for any property in the table of a type. */
const ANY = "*";

/** Throws TemplateError, which names all types that are unknown, or all that are refused, at once. */
export function checkTypes(resources: Resources, types: ResourceTypes): void {
  const used = new Map<string, string[]>();
  for (const [id, { type }] of Object.entries(resources)) {
    if (types.find(type) !== null) continue;
    used.set(type, [...(used.get(type) ?? []), id]);
  }
  const unknown = [...used.keys()].filter((type) => types.refusal(type) === null);
  if (unknown.length > 0)
    throw new TemplateError(`Template format error: Unrecognized resource types: [${unknown.join(", ")}]`);
  if (used.size === 0) return;
  const refused = [...used].map(([type, ids]) => `${type} (${ids.join(", ")}): ${types.refusal(type) ?? ""}`);
  throw new TemplateError(`The template has resources of types that Thaw refuses: ${refused.join("; ")}`);
}

/**
 * Throws TemplateError for properties that the type does not have, by their paths in AWS's words, for those that AWS
 * has and Thaw lacks, for values that Thaw lacks, and for those that are missing.
 * `evaluated`: without what `AWS::NoValue` leaves out.
 */
export function checkProperties(logicalId: string, type: ResourceType, evaluated: TemplateMap): void {
  const table = new Set(Object.keys(type.properties));
  const lacks = type.lacks ?? {};
  const lacking = Object.entries(evaluated).filter(([key]) => Object.hasOwn(lacks, key));
  const others = Object.entries(evaluated).filter(([key]) => !Object.hasOwn(lacks, key));
  const problems = [
    ...type.required.filter((key) => !Object.hasOwn(evaluated, key)).map((key) => `#: required key [${key}] not found`),
    ...lacking
      .filter(([, value]) => !isEmpty(value))
      .map(([key]) => `#: Thaw does not have the property [${key}] of ${type.name}: ${lacks[key] ?? ""}`),
    ...lackingValues(type, evaluated),
    ...foreignMembers(Object.fromEntries(others), table, ""),
  ];
  if (problems.length === 0) return;
  throw new TemplateError(
    `Properties validation failed for resource ${logicalId} with message:\n${problems.join("\n")}`,
  );
}

function lackingValues({ lacksValues = {} }: ResourceType, evaluated: TemplateMap): readonly string[] {
  return Object.entries(lacksValues).flatMap(([key, instead]) => {
    const given = evaluated[key];
    const values = isTemplateList(given) ? given : [given];
    const lacking = values.filter((each) => typeof each === "string").filter((each) => Object.hasOwn(instead, each));
    return lacking.map((each) => `#/${key}: Thaw does not have [${each}]: ${instead[each] ?? ""}`);
  });
}

/** Says whether a property's value means "none", as those of a tool that writes all properties do. */
function isEmpty(value: TemplateValue): boolean {
  if (isTemplateList(value)) return value.length === 0;
  if (isTemplateMap(value)) return Object.keys(value).length === 0;
  return value === "" || value === false || value === "false";
}

/** Goes no deeper than the table's names do. */
function foreignMembers(value: TemplateValue, table: ReadonlySet<string>, at: string): readonly string[] {
  if (isTemplateList(value)) return value.flatMap((each) => foreignMembers(each, table, at));
  if (!isTemplateMap(value)) return [];
  const begin = at === "" ? "" : `${at}.`;
  if (table.has(`${begin}${ANY}`)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const path = `${begin}${key}`;
    if (table.has(path)) return [];
    const isNamed = [...table].some((name) => name.startsWith(`${path}.`));
    if (isNamed) return foreignMembers(member, table, path);
    return [`#${at === "" ? "" : `/${at.replaceAll(".", "/")}`}: extraneous key [${key}] is not permitted`];
  });
}

/** Says whether `Fn::GetAtt` may name it. A member of one, as of `SnapStartResponse`, is one too. */
export function hasAttribute(type: ResourceType, name: string): boolean {
  return type.attributes === null || type.attributes.some((each) => name === each || name.startsWith(`${each}.`));
}
