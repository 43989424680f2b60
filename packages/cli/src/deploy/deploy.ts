/** thaw deploy [TEMPLATE]: says what is not supported before it changes anything. */
import { basename, dirname, extname } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { isStackName, toStackName } from "@thaw/template/function-names";
import { planTemplate } from "@thaw/template/plan";
import type { Plan } from "@thaw/template/planned";
import { readTemplate } from "@thaw/template/template";
import type { Connection } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { applyPlan } from "./apply.ts";
import { readEnvVars } from "./env-vars.ts";
import { type FoundTemplate, findTemplate, projectDirectory } from "./find-template.ts";
import { findLocally } from "./local-code.ts";
import { readParameterOverrides } from "./parameter-overrides.ts";
import { describeNotes, describeRefusal, describeVariables } from "./report.ts";
import { withoutMissingRuntimes } from "./runtimes.ts";

export interface DeployOptions {
  readonly stackName?: string;
  readonly parameterOverrides: readonly string[];
  readonly envVars?: string;
  readonly skipUnsupported?: boolean;
  readonly json: boolean;
}

/** `given`: a template, or a folder with one; undefined: this folder. */
export async function deploy(connection: Connection, given: string | undefined, options: DeployOptions): Promise<void> {
  const found = findTemplate(given);
  for (const note of found.notes) process.stderr.write(`note: ${note}\n`);
  const stackName = nameStack(found, options.stackName);
  const isSkipping = options.skipUnsupported === true;
  const plan = await withoutMissingRuntimes(connection, planFor(connection, found, stackName, options));
  const refusal = describeRefusal(plan, isSkipping);
  if (refusal !== null) throw new CommandError(refusal);
  process.stderr.write(describeNotes(plan, isSkipping));
  if (plan.functions.length === 0 && plan.layers.length === 0)
    throw new CommandError(`${found.path} has no function and no layer that can be deployed`);
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  const { functions, urls, outputs } = await applyPlan(connection, plan, {
    baseDir: dirname(found.path),
    // Two templates in one folder are two stacks, unless somebody gives them one name.
    recordKey: `stacks/${options.stackName ?? `${stackName}@${basename(found.path, extname(found.path))}`}.json`,
    progress,
  });
  process.stderr.write(describeVariables(plan));
  if (options.json)
    return printJson({ functions, urls, outputs, unsupported: plan.problems, notes: plan.notes, madeUp: plan.madeUp });
  for (const [name, value] of Object.entries(outputs)) print(`${name} = ${value}\n`);
  return undefined;
}

function planFor(connection: Connection, found: FoundTemplate, stackName: string, options: DeployOptions): Plan {
  const template = readTemplate(found.path);
  const plan = planTemplate(template, {
    region: connection.region,
    accountId: process.env["THAW_ACCOUNT_ID"] ?? "000000000000",
    stackName,
    overrides: readParameterOverrides(options.parameterOverrides, Object.keys(template.parameters)),
    environment: options.envVars === undefined ? {} : readEnvVars(options.envVars),
  });
  const functions = plan.functions.map((each) => ({ ...each, code: findLocally(each.code, found.path) }));
  const layers = plan.layers.map((each) => ({ ...each, code: findLocally(each.code, found.path) }));
  return { ...plan, functions, layers };
}

/** The given name, else that of the project's folder, made fit. */
function nameStack({ path }: FoundTemplate, given: string | undefined): string {
  if (given !== undefined && !isStackName(given))
    throw new CommandError(
      `--stack-name ${given}: expected at most 128 letters, digits, - and _, of which the first is a letter`,
    );
  const folder = basename(projectDirectory(path));
  const name = given ?? toStackName(folder);
  if (given === undefined && name !== folder)
    process.stderr.write(`note: the stack is called ${name}, for ${folder} can't be in names (or give --stack-name)\n`);
  return name;
}
