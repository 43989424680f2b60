/** Names and variables of stages. */
import { badRequest } from "./refusals.ts";

/** AWS's quota of an API. */
export const STAGES_MAX = 10;
/** AWS has no quota. */
export const DEPLOYMENTS_MAX = 100;
const STAGE_NAME = /^[A-Za-z0-9_-]{1,128}$/;
const VARIABLE_NAME = /^[A-Za-z0-9_]{1,64}$/;
/** AWS's rule, and its limit of a value. */
const VARIABLE_VALUE = /^[A-Za-z0-9._~:/?#&=,+-]{0,2048}$/;

export function isStageName(name: string): boolean {
  return STAGE_NAME.test(name);
}

/** Throws a BadRequestException where a variable is none. */
export function checkVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (!VARIABLE_NAME.test(name) || !VARIABLE_VALUE.test(value))
      throw badRequest(
        `Stage variable '${name.slice(0, 64)}' has a name or a value with other characters than AWS allows`,
      );
  }
}
