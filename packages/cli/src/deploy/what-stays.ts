/** What a stack's removal leaves behind, by the policies of its template. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";

export interface WhatStays {
  /** Policies by the logical ids of what has one that keeps it. */
  readonly stays: ReadonlyMap<string, string>;
  /** Versions that have such a policy and go all the same, with their function: its logical id by theirs. */
  readonly goesWith: ReadonlyMap<string, string>;
}

/** SAM gives each version a policy that keeps it, so that an update leaves what others may still call. */
export function whatStays(resources: TemplateMap): WhatStays {
  const kept = new Map(
    Object.entries(resources).flatMap(([id, resource]) => {
      const policy = isTemplateMap(resource) ? resource["DeletionPolicy"] : undefined;
      return typeof policy === "string" && policy.startsWith("Retain") ? [[id, policy] as const] : [];
    }),
  );
  const goesWith = new Map(
    [...kept.keys()].flatMap((id) => {
      const owner = functionOf(resources[id]);
      return owner !== null && Object.hasOwn(resources, owner) && !kept.has(owner) ? [[id, owner] as const] : [];
    }),
  );
  return { stays: new Map([...kept].filter(([id]) => !goesWith.has(id))), goesWith };
}

/** The logical id of a version's function; null: it is no version, or one of another stack's function. */
function functionOf(resource: TemplateValue | undefined): string | null {
  if (!isTemplateMap(resource) || resource["Type"] !== "AWS::Lambda::Version") return null;
  const properties = resource["Properties"];
  const name = isTemplateMap(properties) ? properties["FunctionName"] : undefined;
  if (!isTemplateMap(name)) return null;
  const { Ref: id, "Fn::GetAtt": attribute } = name;
  const found = isTemplateList(attribute) ? attribute[0] : id;
  return typeof found === "string" ? found : null;
}
