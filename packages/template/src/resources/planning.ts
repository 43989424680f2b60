/**
 * A plan in the making, and the way in which a kind of resource adds to it. A new kind is a file beside and a line in
 * plan.ts.
 */
import type { Evaluator } from "../language/evaluator.ts";
import type {
  PlannedAlias,
  PlannedEventInvoke,
  PlannedFunction,
  PlannedLayer,
  PlannedPermission,
  PlannedUrl,
  PlannedVersion,
} from "../planned.ts";
import type { Report } from "../problem.ts";
import type { StackPlace } from "../references.ts";
import { isScalar, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";

export interface Planning {
  readonly evaluator: Evaluator;
  readonly report: Report;
  /** Names of functions by their logical ids. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of layers by their logical ids. */
  readonly layerNames: ReadonlyMap<string, string>;
  readonly stack: StackPlace;
  readonly layers: PlannedLayer[];
  readonly functions: PlannedFunction[];
  readonly versions: PlannedVersion[];
  readonly aliases: PlannedAlias[];
  readonly urls: PlannedUrl[];
  readonly permissions: PlannedPermission[];
  readonly eventInvokes: PlannedEventInvoke[];
}

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** Path in the template, such as `Resources.Orders`. */
  readonly place: string;
  /** Properties with their values filled in, those of `Globals` among them. */
  readonly properties: TemplateMap;
  /** Properties as the template gives them: those that are not taken, or whose value can't be had, are here alone. */
  readonly given: TemplateMap;
  readonly metadata: TemplateMap;
  readonly isRetained: boolean;
}

/** Adds a resource to the plan. */
export type ResourceReader = (planning: Planning, resource: Resource) => void;

export const PROVISIONED = "ProvisionedConcurrencyConfig";
export const NOT_SUPPORTED = "is not supported";

/** Refuses a resource that lacks one of these properties. Returns true where it does. */
export function lacks({ report }: Planning, { place, properties, given }: Resource, names: readonly string[]): boolean {
  for (const name of names) if (given[name] === undefined) report.error(`${place}.${name}`, "is needed");
  return names.some((name) => properties[name] === undefined);
}

export function readProvisioned(planning: Planning, { place, properties }: Resource): number | null {
  const config = properties[PROVISIONED];
  if (!isTemplateMap(config)) return null;
  const key = "ProvisionedConcurrentExecutions";
  return readNumber(planning, `${place}.${PROVISIONED}.${key}`, config[key]);
}

/** A number, which may have come as text out of a parameter; null where it is left out. */
export function readNumber({ report }: Planning, place: string, value: TemplateValue | undefined): number | null {
  if (value === undefined || value === null) return null;
  const number = isScalar(value) && value !== "" ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  report.error(place, `must be a number, not ${JSON.stringify(value)}`);
  return null;
}

/** The name in a function's ARN, or the name itself. */
export function bareName(value: TemplateValue | undefined): string {
  return String(value).split(":function:").at(-1) ?? "";
}

/** The function and the qualifier in an ARN, or in a name. */
export function targetOf(value: TemplateValue | undefined): {
  readonly functionName: string;
  readonly qualifier: string | null;
} {
  const [functionName = "", qualifier = null] = bareName(value).split(":");
  return { functionName, qualifier };
}

/** Text of a property that may be left out; null where it is. */
export function text(value: TemplateValue | undefined): string | null {
  return isScalar(value) ? String(value) : null;
}
