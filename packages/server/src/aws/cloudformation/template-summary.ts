/** What a template says of itself: parameters, capabilities, types. */
import type { OperationTypes } from "@thaw/aws-api/cloudformation";
import { capabilitiesOf } from "@thaw/stacks/capabilities";
import { checkTemplate } from "@thaw/stacks/check-template";
import { parseTemplate, type Template } from "@thaw/template/template";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { ServiceError } from "../../model/service-error.ts";

type Validated = OperationTypes["ValidateTemplate"]["output"];
type Summary = OperationTypes["GetTemplateSummary"]["output"];

/** AWS's limit of a template in a request. */
const BODY_BYTES_MAX = 51_200;
const NAME = "Template format error";

/** Throws a ValidationError where there is no template, or CloudFormation would not take it. */
export function readGivenTemplate(given: { readonly TemplateBody?: string; readonly TemplateURL?: string }): Template {
  const { TemplateBody: body, TemplateURL: url } = given;
  if (url !== undefined)
    throw invalid("TemplateURL is not supported by Thaw yet: give the template itself, as TemplateBody");
  if (body === undefined) throw invalid("Either Template URL or Template Body must be specified.");
  if (Buffer.byteLength(body) > BODY_BYTES_MAX)
    throw invalid(
      `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${BODY_BYTES_MAX}`,
    );
  const template = parse(body);
  const problem = checkTemplate(template);
  if (problem !== null) throw invalid(problem);
  return template;
}

function parse(body: string): Template {
  try {
    return parseTemplate(body, NAME);
  } catch (error) {
    throw invalid((error as Error).message);
  }
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
  const types = new Set(
    Object.values(template.resources).flatMap((each) => (isTemplateMap(each) ? [each["Type"]] : [])),
  );
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
    ResourceTypes: [...types].map(String),
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

function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}
