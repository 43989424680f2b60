/** The setting that lets functions call the services of this server. */
import type { AccountScope } from "../../model/function-name.ts";
import type { HostPorts } from "./host-ports.ts";
import { UsageError } from "./usage-error.ts";
import type { ValueType } from "./value-types.ts";

/** A function that may call the server's services with the credentials of their environment. */
export interface ServiceCaller {
  /** Null: of the operator's account. */
  readonly accountId: string | null;
  /** Name of the function, or what it begins with. */
  readonly name: string;
  readonly isBeginning: boolean;
}

/** Each is compared at every start of an environment. */
const CALLERS_MAX = 256;
const CALLER = /^(?:(\d{12}):)?([a-zA-Z0-9_-]{0,64})(\*?)$/;
/** Port of `host.thaw.internal` at which functions find the services (sandboxd's `reach.rs`). */
const SERVICES_PORT = ":80";

/** Lines `FUNCTION`, `BEGINNING*`, or one of them after `ACCOUNT:`. */
export const serviceCallers: ValueType<readonly ServiceCaller[]> = {
  form: "lines `FUNCTION` or `BEGINNING*`, of another account `ACCOUNT:FUNCTION`; in the file a list of them",
  parse(name, lines) {
    const given = lines.split("\n").filter((line) => line !== "");
    if (given.length > CALLERS_MAX) throw new UsageError(`${name}: at most ${CALLERS_MAX} names of functions`);
    return given.map((line) => readCaller(name, line));
  },
};

function readCaller(name: string, line: string): ServiceCaller {
  const [, accountId, functionName = "", star] = CALLER.exec(line) ?? [];
  const isBeginning = star === "*";
  if (star === undefined || (functionName === "" && !isBeginning))
    throw new UsageError(
      `${name} ${line}: expected the name of a function, or what names begin with and * (shop-*), for another account with its number and : before it`,
    );
  return { accountId: accountId ?? null, name: functionName, isBeginning };
}

/** The names as the setting has them. */
export function listCallers(callers: readonly ServiceCaller[]): readonly string[] {
  return callers.map(
    ({ accountId, name, isBeginning }) =>
      `${accountId === null ? "" : `${accountId}:`}${name}${isBeginning ? "*" : ""}`,
  );
}

/** Says whether a function, in whatever Region of its account, is named. */
export function isCaller(
  callers: readonly ServiceCaller[],
  homeAccountId: string,
  { accountId }: Pick<AccountScope, "accountId">,
  functionName: string,
): boolean {
  return callers.some(
    (caller) =>
      (caller.accountId ?? homeAccountId) === accountId &&
      (caller.isBeginning ? functionName.startsWith(caller.name) : functionName === caller.name),
  );
}

/** Throws a UsageError where the operator lets functions reach another service at the port of these. */
export function checkCallers(callers: readonly ServiceCaller[], { forAll, byFunction }: HostPorts): void {
  const taken = [forAll, ...byFunction.values()].flat().find((port) => port.endsWith(SERVICES_PORT));
  if (callers.length > 0 && taken !== undefined)
    throw new UsageError(
      `--allow-services: functions find the services at host.thaw.internal${SERVICES_PORT}, which --allow-host ${taken} has; let that service listen at another port`,
    );
}
