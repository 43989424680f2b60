/** Functions whose runtime the server's host does not have. */
import { PROGRAM } from "@thaw/installation";
import type { Plan, PlannedFunction } from "@thaw/template/planned";
import type { Problem } from "@thaw/template/problem";
import type { Connection } from "../connection.ts";
import { installName } from "../runtime-names.ts";

/** Takes them out of the plan, and names each with the command that helps. */
export async function withoutMissingRuntimes(connection: Connection, plan: Plan): Promise<Plan> {
  if (plan.functions.length === 0) return plan;
  const { runtimes } = await connection.thaw.call("describeHost", {});
  const isMissing = ({ config }: PlannedFunction): boolean =>
    config["Runtime"] !== undefined && !runtimes.includes(String(config["Runtime"]));
  const missing = plan.functions.filter(isMissing);
  const problems: Problem[] = missing.map(({ logicalId, config }) => ({
    place: `Resources.${logicalId}.Runtime`,
    reason: describe(String(config["Runtime"]), runtimes),
    kind: "unsupported",
  }));
  return {
    ...plan,
    functions: plan.functions.filter((each) => !isMissing(each)),
    problems: [...plan.problems, ...problems],
  };
}

function describe(runtime: string, installed: readonly string[]): string {
  const name = installName(runtime);
  if (name !== null) return `is ${runtime}, which is not installed. Run: ${PROGRAM} runtimes install ${name}`;
  return `is ${runtime}, which Thaw can't run. Installed here: ${installed.join(", ") || "none"}`;
}
