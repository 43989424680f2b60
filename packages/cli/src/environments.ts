/** thaw environments ls | stop */
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

interface EnvironmentSummary {
  readonly environmentId: string;
  readonly functionName: string;
  readonly version: string;
  readonly state: string;
  readonly isRestored: boolean;
  readonly invokeCount: number;
  readonly logStream: string;
}

export async function listEnvironments(
  connection: Connection,
  options: { function?: string; json: boolean },
): Promise<void> {
  const query = options.function === undefined ? {} : { function: options.function };
  const { environments } = (await (await connection.admin("GET", "environments", { query })).json()) as {
    environments: EnvironmentSummary[];
  };
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
  const wanted = { ...(name ? { function: name } : {}), ...(version ? { version } : {}) };
  const answer = (await (
    await connection.admin("POST", "environments/stop", { body: Buffer.from(JSON.stringify(wanted)) })
  ).json()) as { stopped: number };
  if (options.json) return printJson(answer);
  return print(`${answer.stopped} stopped\n`);
}
