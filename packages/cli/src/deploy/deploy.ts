/** thaw deploy TEMPLATE: says what is not supported before it changes anything. */
import { basename, dirname, resolve, sep } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { applyPlan } from "./apply.ts";
import { planTemplate } from "@thaw/template/plan";
import type { Plan } from "@thaw/template/planned";
import { readTemplate } from "@thaw/template/template";

export interface DeployOptions {
  readonly stackName?: string;
  readonly parameterOverrides: Readonly<Record<string, string>>;
  readonly skipUnsupported?: boolean;
  readonly json: boolean;
}

export async function deploy(connection: Connection, templatePath: string, options: DeployOptions): Promise<void> {
  const path = resolve(templatePath);
  const stackName = options.stackName ?? basename(projectDirectory(path));
  const accountId = process.env["THAW_ACCOUNT_ID"] ?? "000000000000";
  const plan = planTemplate(readTemplate(path), {
    region: connection.region,
    accountId,
    stackName,
    overrides: options.parameterOverrides,
  });
  reportProblems(plan, options);
  if (plan.functions.length === 0) throw new CommandError(`${templatePath} has no function that can be deployed`);
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  const deployed = await applyPlan(connection, plan, dirname(path), progress);
  if (options.json) return printJson({ functions: deployed, outputs: plan.outputs, unsupported: plan.problems });
  for (const [name, value] of Object.entries(plan.outputs)) print(`${name} = ${value}\n`);
  return undefined;
}

/** Names the project of a template; that of `sam build` lies in PROJECT/.aws-sam/build. */
function projectDirectory(path: string): string {
  const parts = dirname(path).split(sep);
  return parts.slice(-2).join("/") === ".aws-sam/build" ? parts.slice(0, -2).join(sep) : dirname(path);
}

function reportProblems(plan: Plan, options: DeployOptions): void {
  if (plan.problems.length === 0) return;
  const list = plan.problems.map(({ place, reason }) => `  ${place} ${reason}`).join("\n");
  if (options.skipUnsupported !== true) {
    throw new CommandError(`not supported, nothing was changed:\n${list}\nTo deploy the rest: --skip-unsupported`);
  }
  process.stderr.write(`left out:\n${list}\n`);
}
