/**
 * Values for variables of functions, in the form of `sam local --env-vars`: an object for each function, by logical id
 * or name, and `Parameters` for all of them. Only variables that the template has are set.
 */
import type { Report } from "./problem.ts";
import { isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

export type EnvironmentOverrides = Readonly<Record<string, Readonly<Record<string, string>>>>;

const FOR_ALL = "Parameters";

/** Puts the values in the place of the template's, before anything is evaluated. */
export function overrideVariables(
  properties: TemplateMap,
  logicalId: string,
  name: string,
  overrides: EnvironmentOverrides,
  report: Report,
): TemplateMap {
  const environment = properties["Environment"];
  const variables = isTemplateMap(environment) ? environment["Variables"] : undefined;
  const declared = isTemplateMap(variables) ? variables : {};
  const changed: Record<string, TemplateValue> = { ...declared };
  for (const key of new Set([FOR_ALL, name, logicalId]))
    for (const [variable, value] of Object.entries(Object.hasOwn(overrides, key) ? (overrides[key] ?? {}) : {})) {
      if (Object.hasOwn(declared, variable)) changed[variable] = value;
      else if (key !== FOR_ALL)
        report.note(`--env-vars ${key}.${variable}`, "is no variable of that function in the template: not set");
    }
  return isTemplateMap(variables)
    ? { ...properties, Environment: { ...(environment as TemplateMap), Variables: changed } }
    : properties;
}

/** Notes names of the overrides that are no function's. */
export function noteUnused(overrides: EnvironmentOverrides, names: ReadonlySet<string>, report: Report): void {
  for (const key of Object.keys(overrides))
    if (key !== FOR_ALL && !names.has(key)) report.note(`--env-vars ${key}`, "is no function of the template");
}
