/** Refuses empty names and values: `--function "$NAME"` where NAME is not set would mean all functions. */
import type { Command } from "commander";

/** Arguments that may be empty: an invoke without a payload. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(["payload"]);

/** Ends the command as any wrong call. `program` has the options of all commands. */
export function refuseEmpty(program: Command, command: Command): void {
  for (const [at, argument] of command.registeredArguments.entries())
    if (!MAY_BE_EMPTY.has(argument.name()) && isEmpty(command.processedArgs[at]))
      command.error(`error: <${argument.name()}> is empty${argument.required ? "" : ": give one, or leave it out"}`);
  for (const owner of new Set([program, command]))
    for (const option of owner.options)
      if (isEmpty(owner.getOptionValue(option.attributeName())))
        command.error(`error: ${option.long ?? option.flags} is empty: give a value, or leave it out`);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.includes("") : value === "";
}
