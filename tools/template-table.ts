/**
 * node tools/template-table.ts FOLDER [--json]: what `thaw deploy` does with each template of a folder, as a table. A
 * parameter without a default gets a value that fits its type. Exit status 1 where a template can't be read.
 *
 * The columns together name every resource of a template, so nothing is silent.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { planTemplate } from "@thaw/template/plan";
import { readTemplate, type Template } from "@thaw/template/template";
import type { Plan } from "@thaw/template/planned";
import type { TemplateMap } from "@thaw/template/value";

interface Row {
  readonly template: string;
  /** Names of parameters that somebody must give. */
  readonly parameters: readonly string[];
  readonly deployed: readonly string[];
  /** Needs `--skip-unsupported`. */
  readonly refused: readonly string[];
  readonly noted: readonly string[];
  readonly madeUp: readonly string[];
  /** Wrong on AWS, too. */
  readonly wrong: readonly string[];
}

const PLACE = { region: "us-east-1", accountId: "000000000000", stackName: "stack" };

function rowOf(folder: string, name: string): Row {
  try {
    return planRow(readTemplate(join(folder, name)), name);
  } catch (error) {
    const none: readonly string[] = [];
    const wrong = [(error as Error).message];
    return { template: name, parameters: none, deployed: none, refused: none, noted: none, madeUp: none, wrong };
  }
}

function planRow(template: Template, name: string): Row {
  const missing = Object.entries(template.parameters).filter(([, parameter]) => parameter["Default"] === undefined);
  const overrides = Object.fromEntries(missing.map(([key, parameter]) => [key, exampleOf(parameter)]));
  // An example need not have a form that only the person knows.
  const types = missing.map(([key, { Type: type = "String" }]) => [key, { Type: type }] as const);
  const parameters = { ...template.parameters, ...Object.fromEntries(types) };
  const plan = planTemplate({ ...template, parameters }, { ...PLACE, overrides });
  const said = (kind: "error" | "unsupported"): string[] =>
    plan.problems.filter((problem) => problem.kind === kind).map(({ place, reason }) => `${place} ${reason}`);
  return {
    template: name,
    parameters: missing.map(([key]) => key),
    deployed: deployedOf(plan),
    refused: said("unsupported"),
    noted: plan.notes.map(({ place, text }) => `${place} ${text}`),
    madeUp: plan.madeUp.map(({ place, value }) => `${place} = ${value}`),
    wrong: said("error"),
  };
}

function deployedOf({ functions, versions, aliases }: Plan): readonly string[] {
  return [...functions, ...versions, ...aliases].map(({ logicalId }) => logicalId);
}

function exampleOf(parameter: TemplateMap): string {
  const allowed = parameter["AllowedValues"];
  if (Array.isArray(allowed)) return String(allowed[0]);
  if (String(parameter["Type"]).includes("Number")) return String(parameter["MinValue"] ?? 1);
  return "example";
}

function toTable(rows: readonly Row[]): string {
  const heads = ["template", "to give", "deployed", "refused", "noted", "made-up variables", "wrong"];
  const cells = (items: readonly string[]): string => items.join("<br>").replaceAll("|", "\\|").replaceAll("\n", " ");
  const lines = rows.map((row) =>
    [[row.template], row.parameters, row.deployed, row.refused, row.noted, row.madeUp, row.wrong]
      .map(cells)
      .join(" | "),
  );
  return [heads.join(" | "), heads.map(() => "---").join(" | "), ...lines].map((line) => `| ${line} |`).join("\n");
}

const [folder, form] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node tools/template-table.ts FOLDER [--json]");
const names = readdirSync(folder).filter((name) => /\.(?:ya?ml|json|template)$/.test(name));
const rows = names.toSorted().map((name) => rowOf(folder, name));
process.stdout.write(`${form === "--json" ? JSON.stringify(rows, null, 2) : toTable(rows)}\n`);
if (rows.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
