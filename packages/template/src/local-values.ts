/**
 * What of a template is known where no stack is: parameters, mappings, conditions and loops. Whoever looks for code on
 * this host needs that much; all else is decided by the stack, which reads the same template with the same evaluator.
 */
import { CommandError } from "@thaw/installation/command-error";
import { Conditions } from "./language/conditions.ts";
import { Evaluator, type Scope } from "./language/evaluator.ts";
import { Loops } from "./language/for-each.ts";
import { type Outcome, UNRESOLVED, type Unresolved } from "./language/outcome.ts";
import { readParameters } from "./language/parameters.ts";
import type { Report } from "./problem.ts";
import type { Template } from "./template.ts";
import { isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

export interface LocalOptions {
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
  /** Values of parameters; others have their defaults. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface LocalValues {
  /** With their loops unrolled. */
  readonly resources: TemplateMap;
  readonly outputs: TemplateMap;
  /** False under a condition that is known to be false. */
  isPresent(part: TemplateValue | undefined): boolean;
  /** Undefined: only the stack can tell. */
  truthOf(condition: string): boolean | undefined;
  /** UNRESOLVED: it needs what only the stack knows. Members of maps and lists that do are left out. */
  value(value: TemplateValue): Outcome;
}

/** What is wrong with a value is said by the stack. */
const SILENT: Report = { error: () => undefined, unsupported: () => undefined, note: () => undefined };

/**
 * Throws CommandError where a loop can't be unrolled. `report` takes what is wrong elsewhere; the stack says it, too.
 */
export function readLocally(template: Template, options: LocalOptions, report: Report = SILENT): LocalValues {
  const declared = template.parameters;
  const overrides = Object.fromEntries(
    Object.entries(options.parameters).filter(([name]) => Object.hasOwn(declared, name)),
  );
  const { values } = readParameters({ declared, overrides }, report);
  const known: Readonly<Record<string, string>> = {
    "AWS::AccountId": options.accountId,
    "AWS::Partition": "aws",
    "AWS::Region": options.region,
    "AWS::StackName": options.stackName,
    "AWS::URLSuffix": "amazonaws.com",
  };
  let conditions: Conditions | null = null;
  const truthOf = (name: string): boolean | Unresolved => conditions?.isTrue(name, `Conditions.${name}`) ?? UNRESOLVED;
  const scope: Scope = {
    region: options.region,
    mappings: template.mappings,
    condition: truthOf,
    refer: (name) => (Object.hasOwn(known, name) ? known[name] : (values.get(name) ?? UNRESOLVED)),
    attribute: () => UNRESOLVED,
    importValue: () => UNRESOLVED,
    keepsDynamicReferences: true,
  };
  const evaluator = new Evaluator(scope, report);
  const loops = new Loops(new Evaluator(scope, STRICT), STRICT);
  conditions = new Conditions(loops.unroll(template.conditions, "Conditions"), report);
  conditions.evaluateWith(evaluator);
  return {
    resources: loops.unroll(template.resources, "Resources"),
    outputs: loops.unroll(template.outputs, "Outputs"),
    isPresent(part) {
      const condition = isTemplateMap(part) ? part["Condition"] : undefined;
      return typeof condition !== "string" || truthOf(condition) !== false;
    },
    truthOf(condition) {
      const truth = truthOf(condition);
      return truth === UNRESOLVED ? undefined : truth;
    },
    value: (value) => evaluator.value(value, ""),
  };
}

const STRICT: Report = {
  error: (place, reason) => refuse(place, reason),
  unsupported: (place, reason) => refuse(place, reason),
  note: () => undefined,
};

function refuse(place: string, reason: string): never {
  throw new CommandError(`${place} ${reason}`);
}
