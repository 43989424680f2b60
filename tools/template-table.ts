/**
 * node tools/template-table.ts FOLDER [--json | --write]: what `thaw deploy` does with each template of a folder. A
 * parameter without a default gets a value that fits its type. `--write` puts the table into
 * docs/reference/templates.md; `--json` gives every sentence.
 *
 * Exit status 1 where a resource of a template is in none of the columns: nothing is silent.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planTemplate } from "@thaw/template/plan";
import type { Plan } from "@thaw/template/planned";
import { readTemplate, type Template } from "@thaw/template/template";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";

const DOCUMENT = join(import.meta.dirname, "../docs/reference/templates.md");
const BEGIN = "<!-- made by node tools/template-table.ts FOLDER --write -->";
const PLACE = { region: "us-east-1", accountId: "000000000000", stackName: "stack" };
/** Values that only the person knows, where their form matters. */
const EXAMPLES: ReadonlyArray<readonly [RegExp, string]> = [
  [/layer/i, "arn:aws:lambda:us-east-1:000000000000:layer:example:1"],
];

interface Said {
  readonly place: string;
  readonly text: string;
}

interface Row {
  readonly template: string;
  /** Logical ids of what is deployed. */
  readonly deployed: readonly string[];
  /** Needs `--skip-unsupported`. */
  readonly refused: readonly Said[];
  /** Left out without harm to the functions, or changed, with a note. */
  readonly noted: readonly Said[];
  /** Variables that name what is not here, with the value that they get. */
  readonly madeUp: readonly Said[];
  /** Wrong on AWS, too. */
  readonly wrong: readonly Said[];
  /** Resources in none of the others. */
  readonly silent: readonly string[];
}

function rowOf(folder: string, name: string): Row {
  const nothing = { deployed: [], refused: [], noted: [], madeUp: [], silent: [] };
  try {
    return planRow(readTemplate(join(folder, name)), name);
  } catch (error) {
    return { template: name, ...nothing, wrong: [{ place: "", text: (error as Error).message }] };
  }
}

function planRow(template: Template, name: string): Row {
  const missing = Object.entries(template.parameters).filter(([, parameter]) => parameter["Default"] === undefined);
  const overrides = Object.fromEntries(missing.map(([key, parameter]) => [key, exampleOf(key, parameter)]));
  // An example need not have a form that only the person knows.
  const types = missing.map(([key, { Type: type = "String" }]) => [key, { Type: type }] as const);
  const parameters = { ...template.parameters, ...Object.fromEntries(types) };
  const plan = planTemplate({ ...template, parameters }, { ...PLACE, overrides });
  const said = (kind: "error" | "unsupported"): Said[] =>
    plan.problems.filter((problem) => problem.kind === kind).map(({ place, reason }) => ({ place, text: reason }));
  const row = {
    template: name,
    deployed: deployedOf(template, plan),
    refused: said("unsupported"),
    noted: plan.notes.map(({ place, text }) => ({ place, text })),
    madeUp: plan.madeUp.map(({ place, value }) => ({ place, text: value })),
    wrong: said("error"),
  };
  const told = [...row.refused, ...row.noted, ...row.wrong].map(({ place }) => place.split(".")[1] ?? "");
  const known = new Set([...row.deployed, ...told.map((id) => id.split(" ")[0] ?? "")]);
  return { ...row, silent: Object.keys(template.resources).filter((id) => !known.has(id)) };
}

/** Event invoke configs have no logical id in a plan: they are told by their type. */
function deployedOf(template: Template, plan: Plan): readonly string[] {
  const ids = [...plan.layers, ...plan.functions, ...plan.versions, ...plan.aliases, ...plan.urls].map((part) =>
    "logicalId" in part ? part.logicalId : "",
  );
  const aliases = plan.aliases.map(({ name }) => name);
  const own = Object.entries(template.resources).filter(([, resource]) => {
    const type = isTemplateMap(resource) ? resource["Type"] : null;
    if (type === "AWS::Lambda::Alias") return aliases.length > 0;
    return type === "AWS::Lambda::EventInvokeConfig" && plan.eventInvokes.length > 0;
  });
  const permissions = plan.permissions.map(({ statementId }) => statementId);
  const found = new Set([...ids, ...permissions, ...own.map(([id]) => id)]);
  return Object.keys(template.resources).filter((id) => found.has(id));
}

function exampleOf(key: string, parameter: TemplateMap): string {
  const allowed = parameter["AllowedValues"];
  if (Array.isArray(allowed)) return String(allowed[0]);
  if (String(parameter["Type"]).includes("Number")) return String(parameter["MinValue"] ?? 1);
  const type = String(parameter["Type"] ?? "");
  return EXAMPLES.find(([form]) => form.test(key) || form.test(type))?.[1] ?? "example";
}

/** `Resources.Queue AWS::SQS::Queue is not supported` as `SQS::Queue`, else the last names of its place. */
function briefly({ place, text }: Said): string {
  const type = /(?:AWS|Alexa)::([A-Za-z0-9]+::[A-Za-z0-9]+)|Custom::[\w@-]+/.exec(text);
  if (type !== null && place.split(".").length === 2) return type[1] ?? type[0];
  const events = /invokes it for (.*)$/.exec(text);
  if (events !== null)
    return `Events: ${distinct([...(events[1] ?? "").matchAll(/\((\w+)\)/g)].map(([, kind = ""]) => kind)).join(", ")}`;
  const member = place.split(".").slice(2).join(".");
  const [section = "", id = section] = place.split(".");
  return (member !== "" ? member : section === "Resources" ? id : section).replaceAll(/\[\d+\]/g, "");
}

function distinct(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}

function toTable(rows: readonly Row[]): string {
  const heads = ["template", "deployed", "refused", "left out or changed, with a note", "made-up variables", "wrong"];
  const lines = rows.map(({ template, deployed, refused, noted, madeUp, wrong }) => [
    template.replace(/\.ya?ml$/, ""),
    String(deployed.length),
    distinct(refused.map(briefly)).join(", "),
    distinct(noted.map(briefly)).join(", "),
    String(madeUp.length || ""),
    wrong.map(({ place, text }) => `${place} ${text}`).join("; "),
  ]);
  const table = [heads, heads.map(() => "---"), ...lines.map((cells) => cells.map(escaped))];
  return table.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** How many templates are of which kind. */
function summaryOf(rows: readonly Row[]): string {
  const count = (is: (row: Row) => boolean): number => rows.filter(is).length;
  const whole = count(({ refused, wrong }) => refused.length + wrong.length === 0);
  const partly = count(({ refused, wrong }) => refused.length > 0 && wrong.length === 0);
  const wrong = count((row) => row.wrong.length > 0);
  return `${rows.length} templates: ${whole} deployed as they are, ${partly} with \`--skip-unsupported\`, ${wrong} wrong on AWS, too.`;
}

const [folder, form] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node tools/template-table.ts FOLDER [--json | --write]");
const names = readdirSync(folder).filter((name) => /\.(?:ya?ml|json|template)$/.test(name));
const rows = names.toSorted().map((name) => rowOf(folder, name));
const text = `${summaryOf(rows)}\n\n${toTable(rows)}\n`;
if (form === "--write") {
  const document = readFileSync(DOCUMENT, "utf8");
  writeFileSync(DOCUMENT, `${document.slice(0, document.indexOf(BEGIN))}${BEGIN}\n\n${text}`);
} else process.stdout.write(form === "--json" ? `${JSON.stringify(rows, null, 2)}\n` : text);
for (const { template, silent } of rows.filter((row) => row.silent.length > 0)) {
  process.stderr.write(`${template}: nothing is said of ${silent.join(", ")}\n`);
  process.exitCode = 1;
}
