/** thaw environments ls | stop */
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

export async function listEnvironments(
  connection: Connection,
  options: { function?: string; json: boolean },
): Promise<void> {
  const { environments } = await connection.thaw.call("listEnvironments", { query: { function: options.function } });
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
  const [name, version] = (options.function ?? "").split(":");
  const body = { ...(name ? { function: name } : {}), ...(version ? { version } : {}) };
  const answer = await connection.thaw.call("stopEnvironments", { body });
  if (options.json) return printJson(answer);
  return print(`${answer.stopped} stopped\n`);
}
