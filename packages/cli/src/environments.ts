/** thaw environments ls | stop */
import type { Connection } from "./connection.ts";
import { findFunction } from "./named-function.ts";
import { formatTable, print, printJson } from "./table.ts";

export async function listEnvironments(
  connection: Connection,
  options: { function?: string; json: boolean },
): Promise<void> {
  const query = await wishOf(connection, options.function);
  const { environments } = await connection.thaw.call("listEnvironments", { query });
  if (options.json) return printJson(environments);
  const rows = environments.map((each) => [
    each.environmentId,
    `${each.functionName}:${each.version}`,
    each.state,
    each.isRestored ? "restored" : "initialised",
    String(each.invokeCount),
  ]);
  return print(formatTable(["ENVIRONMENT", "FUNCTION", "STATE", "START", "INVOKES"], rows));
}

export async function stopEnvironments(
  connection: Connection,
  options: { function?: string; json: boolean },
): Promise<void> {
  const body = await wishOf(connection, options.function);
  const answer = await connection.thaw.call("stopEnvironments", { body });
  if (options.json) return printJson(answer);
  return print(`${answer.stopped} stopped\n`);
}

/** `given`: undefined takes all. Throws ResourceNotFoundException where the server has no such function. */
async function wishOf(
  connection: Connection,
  given: string | undefined,
): Promise<{ readonly function?: string; readonly version?: string }> {
  if (given === undefined) return {};
  const { name, version } = await findFunction(connection, given);
  return { function: name, ...(version === null ? {} : { version }) };
}
