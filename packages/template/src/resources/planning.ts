/**
 * A plan in the making, and the way in which a kind of resource adds to it. A new kind is a file beside and a line in
 * plan.ts.
 */
import type { PlannedAlias, PlannedFunction, PlannedVersion } from "../planned.ts";
import type { Resolver } from "../resolve.ts";
import { isTemplateMap, type Template, type TemplateMap, type TemplateValue } from "../template.ts";

export interface Planning {
  readonly template: Template;
  readonly resolver: Resolver;
  /** Names of functions by their logical ids. */
  readonly names: ReadonlyMap<string, string>;
  readonly functions: PlannedFunction[];
  readonly versions: PlannedVersion[];
  readonly aliases: PlannedAlias[];
  /** Notes a part that has no meaning here. */
  refuse(place: string, reason?: string): void;
}

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** Path in the template, such as `Resources.Orders`. */
  readonly place: string;
  /** Properties with their values filled in, those of `Globals` among them. */
  readonly properties: TemplateMap;
}

/** Adds a resource to the plan. */
export type ResourceReader = (planning: Planning, resource: Resource) => void;

export const PROVISIONED = "ProvisionedConcurrencyConfig";

/** Refuses a resource that lacks one of these properties. Returns true where it does. */
export function lacks(planning: Planning, place: string, properties: TemplateMap, names: readonly string[]): boolean {
  const missing = names.filter((name) => properties[name] === undefined);
  for (const name of missing) planning.refuse(`${place}.${name}`, "is needed");
  return missing.length > 0;
}

export function readProvisioned(properties: TemplateMap): number | null {
  const config = properties[PROVISIONED];
  return isTemplateMap(config) ? Number(config["ProvisionedConcurrentExecutions"]) : null;
}

/** The name in a function's ARN, or the name itself. */
export function bareName(value: TemplateValue | undefined): string {
  return String(value).split(":function:").at(-1) ?? "";
}

/** Text of a property that may be left out; null where it is. */
export function text(value: TemplateValue | undefined): string | null {
  return value === undefined || value === null ? null : String(value);
}
