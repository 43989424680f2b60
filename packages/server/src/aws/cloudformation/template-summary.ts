/** What a template says of itself: parameters, capabilities, types. */
import type { OperationTypes } from "@thaw/aws-api/cloudformation";
import { capabilitiesOf } from "@thaw/stacks/capabilities";
import type { ResourceTypes } from "@thaw/stacks/resource-type";
import type { Template } from "@thaw/template/template";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { invalid } from "./context.ts";

type Validated = OperationTypes["ValidateTemplate"]["output"];
type Summary = OperationTypes["GetTemplateSummary"]["output"];

/** Names all types at once that there are none of, or that Thaw does not make. Throws a ValidationError. */
export function checkTypes({ resources, transforms }: Template, types: ResourceTypes): void {
  // What a macro makes of them is seen once it was run.
  if (transforms.length > 0) return;
  const names = [...typesOf(resources)].filter((name) => types.find(name) === null);
  const unknown = names.filter((name) => types.refusal(name) === null);
  if (unknown.length > 0) throw invalid(`Template format error: Unrecognized resource types: [${unknown.join(", ")}]`);
  if (names.length > 0)
    throw invalid(`Thaw can't make: ${names.map((name) => `${name} (${types.refusal(name) ?? ""})`).join("; ")}`);
}

function typesOf(resources: TemplateMap): ReadonlySet<string> {
  return new Set(Object.values(resources).flatMap((each) => (isTemplateMap(each) ? [String(each["Type"])] : [])));
}

export function validate(template: Template): Validated {
  return {
    Parameters: Object.entries(template.parameters).map(([key, parameter]) => ({
      ParameterKey: key,
      ...textMember("DefaultValue", parameter["Default"]),
      NoEcho: isTrue(parameter["NoEcho"]),
      ...textMember("Description", parameter["Description"]),
    })),
    ...common(template),
  };
}

export function summarize(template: Template): Summary {
  return {
    Parameters: Object.entries(template.parameters).map(([key, parameter]) => ({
      ParameterKey: key,
      ...textMember("DefaultValue", parameter["Default"]),
      ParameterType: String(parameter["Type"] ?? "String"),
      NoEcho: isTrue(parameter["NoEcho"]),
      ...textMember("Description", parameter["Description"]),
      ParameterConstraints: constraintsOf(parameter),
    })),
    ...common(template),
    ResourceTypes: [...typesOf(template.resources)],
    Version: "2010-09-09",
    ...(template.metadata === null ? {} : { Metadata: JSON.stringify(template.metadata) }),
  };
}

/** The parts that both answers have. */
function common(
  template: Template,
): Pick<Validated, "Description" | "Capabilities" | "CapabilitiesReason" | "DeclaredTransforms"> {
  const { names, reason } = capabilitiesOf(template);
  return {
    ...textMember("Description", template.description),
    Capabilities: names as NonNullable<Validated["Capabilities"]>,
    ...(reason === null ? {} : { CapabilitiesReason: reason }),
    DeclaredTransforms: template.transforms,
  };
}

function constraintsOf(parameter: TemplateMap): { readonly AllowedValues?: readonly string[] } {
  const allowed = parameter["AllowedValues"];
  return isTemplateList(allowed) ? { AllowedValues: allowed.map(String) } : {};
}

function textMember<K extends string>(name: K, value: TemplateValue | undefined): { readonly [N in K]?: string } {
  return (value === undefined || value === null ? {} : { [name]: String(value) }) as { readonly [N in K]?: string };
}

function isTrue(value: TemplateValue | undefined): boolean {
  return String(value) === "true";
}
