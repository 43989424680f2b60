/** What names in a template stand for: parameters, pseudo parameters, imports, and what is known of resources. */
import { Evaluator, type Scope } from "@thaw/template/language/evaluator";
import { type Outcome, UNRESOLVED } from "@thaw/template/language/outcome";
import type { ParameterValue } from "@thaw/template/language/parameters";
import type { Report } from "@thaw/template/problem";
import type { TemplateMap } from "@thaw/template/value";
import type { StackPlace } from "./prepared.ts";
import { hasSecret } from "./secrets.ts";
import { STRICT, TemplateError } from "./template-error.ts";

/** What is known of the resources of a stack. */
export interface ResourceFacts {
  ref(logicalId: string): Outcome;
  attribute(logicalId: string, attribute: string): Outcome;
}

export interface ScopeInput {
  readonly place: StackPlace;
  readonly mappings: Readonly<Record<string, TemplateMap>>;
  readonly parameter: (name: string) => ParameterValue | undefined;
  readonly condition: (name: string, place: string) => boolean | undefined;
  readonly importValue: (name: string) => string | undefined;
  /** Null: only parameters are known. */
  readonly resources: ResourceFacts | null;
}

/** Shown for what is known only after something was made. */
export const KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}";

/** Evaluates values; throws TemplateError where it can't. */
export function createEvaluator(input: ScopeInput, report: Report = STRICT): Evaluator {
  return new Evaluator(createScope(input, report), report);
}

function createScope(input: ScopeInput, report: Report): Scope {
  const pseudo = pseudoParameters(input.place);
  return {
    region: input.place.region,
    mappings: input.mappings,
    placeholder: KNOWN_AFTER_APPLY,
    keepsDynamicReferences: true,
    isSecret: hasSecret,
    condition(name, place) {
      const truth = input.condition(name, place);
      if (truth !== undefined) return truth;
      report.error(place, `names the condition ${name}, which is not in the template`);
      return UNRESOLVED;
    },
    importValue(name) {
      const value = input.importValue(name);
      if (value === undefined) throw new TemplateError(`No export named ${name} found.`);
      return value;
    },
    refer(name, place) {
      if (Object.hasOwn(pseudo, name)) return pseudo[name];
      const found = input.parameter(name) ?? input.resources?.ref(name);
      if (found !== undefined) return found;
      report.error(place, `refers to ${name}, which is ${input.resources === null ? "no parameter" : "not there"}`);
      return UNRESOLVED;
    },
    attribute(logicalId, attribute, place) {
      const found = input.resources?.attribute(logicalId, attribute);
      if (found !== undefined) return found;
      if (input.resources === null)
        report.error(place, `has Fn::GetAtt of ${logicalId}.${attribute} where only parameters are known`);
      throw noAttribute(logicalId, attribute);
    },
  };
}

export function noAttribute(logicalId: string, attribute: string): TemplateError {
  return new TemplateError(
    `Template error: resource ${logicalId} does not support attribute type ${attribute} in Fn::GetAtt`,
  );
}

/** All but `AWS::NoValue`, which is none for the evaluator. */
function pseudoParameters(place: StackPlace): TemplateMap {
  return {
    "AWS::AccountId": place.accountId,
    "AWS::NotificationARNs": place.notificationArns,
    "AWS::Partition": "aws",
    "AWS::Region": place.region,
    "AWS::StackId": place.stackId,
    "AWS::StackName": place.stackName,
    // Service principals and names of other services are built from it.
    "AWS::URLSuffix": "amazonaws.com",
  };
}
