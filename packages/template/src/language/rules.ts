/** The section Rules: assertions about parameters. */
import type { Report } from "../problem.ts";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import type { Evaluator } from "./evaluator.ts";
import { UNRESOLVED } from "./outcome.ts";

/** What can't be evaluated is noted by the evaluator's own report. */
export function checkRules(
  rules: { readonly [name: string]: TemplateMap },
  evaluator: Evaluator,
  report: Report,
): void {
  for (const [name, rule] of Object.entries(rules)) {
    const place = `Rules.${name}`;
    const condition = rule["RuleCondition"];
    if (condition !== undefined && evaluator.truth(condition, `${place}.RuleCondition`) !== true) continue;
    const assertions = rule["Assertions"];
    if (!isTemplateList(assertions)) {
      report.error(`${place}.Assertions`, "must be a list");
      continue;
    }
    for (const [index, assertion] of assertions.entries()) {
      const { Assert: assert, AssertDescription: description } = (isTemplateMap(assertion) ? assertion : {}) as Record<
        string,
        TemplateValue
      >;
      const truth = evaluator.truth(assert ?? null, `${place}.Assertions[${index}]`);
      if (truth !== UNRESOLVED && !truth) report.error(place, `is not met: ${String(description ?? "an assertion")}`);
    }
  }
}
