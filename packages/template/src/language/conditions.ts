/** The conditions of a template, each evaluated once, when it is first asked for. */
import type { Report } from "../problem.ts";
import type { TemplateMap, TemplateValue } from "../value.ts";
import type { Evaluator } from "./evaluator.ts";
import { UNRESOLVED, type Unresolved } from "./outcome.ts";

type State = boolean | Unresolved | "in progress";

export class Conditions {
  readonly #declared: TemplateMap;
  readonly #report: Report;
  readonly #states = new Map<string, State>();
  #evaluator: Evaluator | null = null;

  constructor(declared: TemplateMap, report: Report) {
    this.#declared = declared;
    this.#report = report;
  }

  /**
   * Names in conditions are those of parameters, so the evaluator's scope is not that of the resources. Its report need
   * not stop anything for what is not supported: whatever needs such a condition does.
   */
  evaluateWith(evaluator: Evaluator): void {
    this.#evaluator = evaluator;
  }

  isTrue(name: string, place: string): boolean | Unresolved {
    if (!Object.hasOwn(this.#declared, name)) {
      this.#report.error(place, `names the condition ${name}, which is not in the template`);
      return UNRESOLVED;
    }
    const known = this.#states.get(name);
    if (known === "in progress") {
      this.#report.error(ownPlace(name), "depends on itself");
      return UNRESOLVED;
    }
    const found = known ?? this.#evaluate(name);
    if (found === UNRESOLVED && place !== ownPlace(name))
      this.#report.unsupported(place, `depends on the condition ${name}, which can't be evaluated here`);
    return found;
  }

  #evaluate(name: string): boolean | Unresolved {
    this.#states.set(name, "in progress");
    const found = this.#evaluator?.truth(this.#declared[name] as TemplateValue, ownPlace(name)) ?? UNRESOLVED;
    this.#states.set(name, found);
    return found;
  }

  /** Evaluates all of them, so that a mistake in one that nothing uses is found, too. */
  checkAll(): void {
    for (const name of Object.keys(this.#declared)) this.isTrue(name, ownPlace(name));
  }
}

function ownPlace(name: string): string {
  return `Conditions.${name}`;
}
