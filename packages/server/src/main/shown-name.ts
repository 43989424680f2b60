/** Names of functions in figures and traces. */
import { type AccountScope, functionArn, isSameScope } from "../model/function-name.ts";

/** A function of the home scope has its name, as it had when there was no other; any other one has its ARN. */
export function shownName(home: AccountScope, scope: AccountScope, functionName: string): string {
  return isSameScope(home, scope) ? functionName : functionArn(scope, functionName);
}
