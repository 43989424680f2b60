/** What a plan has to say to the person at the terminal. */
import type { Plan } from "@thaw/template/planned";
import type { Problem } from "@thaw/template/problem";

const VARIABLES = ".Environment.Variables.";

/** A refusal, or null where the template can be deployed. */
export function describeRefusal(plan: Plan, isSkipping: boolean): string | null {
  const errors = plan.problems.filter(({ kind }) => kind === "error");
  if (errors.length > 0) return `the template is wrong, nothing was changed:\n${lines(errors)}`;
  if (plan.problems.length === 0 || isSkipping) return null;
  const variables = describeVariables(plan);
  return (
    `not supported, nothing was changed:\n${lines(plan.problems)}\nTo deploy the rest: --skip-unsupported` +
    (variables === "" ? "" : `\n${variables.trimEnd()}`)
  );
}

/** What is left out, in lines; places that share a reason share a line. */
export function describeNotes(plan: Plan, isSkipping: boolean): string {
  const left = isSkipping && plan.problems.length > 0 ? `left out:\n${lines(plan.problems)}\n` : "";
  const places = new Map<string, string[]>();
  for (const { place, text } of plan.notes) places.set(text, [...(places.get(text) ?? []), place]);
  const notes = [...places].map(([text, found]) => `note: ${found.join(", ")} ${text}\n`);
  return left + notes.join("");
}

/** Variables that are not what they are on AWS. They come last, where nobody overlooks them. */
export function describeVariables(plan: Plan): string {
  const lost = plan.problems.filter(({ place }) => place.includes(VARIABLES));
  const madeUp = plan.madeUp.map(
    ({ place, logicalId, value }) => `  ${place} names ${logicalId}, which is not here: ${value}`,
  );
  const parts: string[] = [];
  if (lost.length > 0) parts.push(`variables that are NOT SET (give them with --env-vars FILE):\n${lines(lost)}\n`);
  if (madeUp.length > 0)
    parts.push(`variables with a made-up name (--env-vars FILE gives another):\n${madeUp.join("\n")}\n`);
  return parts.join("");
}

function lines(problems: readonly Problem[]): string {
  return problems.map(({ place, reason }) => `  ${place} ${reason}`).join("\n");
}
