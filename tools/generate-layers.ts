/** The tables of layers in docs/ARCHITECTURE.md from tools/architecture/rules.ts. `--check`: do they say the same? */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CRATES, FOLDERS, PACKAGES, ROOMS, SANDBOXD } from "./architecture/rules.ts";

type Rules = Readonly<Record<string, readonly string[]>>;

const FILE = join(resolve(import.meta.dirname, ".."), "docs/ARCHITECTURE.md");
const BEGIN = "<!-- layers: made by node tools/generate-layers.ts -->\n";
const END = "<!-- layers end -->\n";

/** Makes a row of each group of names that may import the same. */
function rows(rules: Rules): string {
  const groups = new Map<string, string[]>();
  for (const [name, allowed] of Object.entries(rules)) {
    const shown = allowed.map((each) => `\`${each}\``).join(", ") || "nothing";
    groups.set(shown, [...(groups.get(shown) ?? []), `\`${name}\``]);
  }
  return [...groups].map(([allowed, names]) => `| ${names.join(", ")} | ${allowed} |`).join("\n");
}

function table(title: string, rules: Rules): string {
  return `| ${title} | may import, besides itself |\n|---|---|\n${rows(rules)}\n`;
}

function roomsOf(folder: string, rooms: Rules): string {
  const named = Object.entries(rooms).filter(([name]) => name !== ".");
  return table(`room of \`${folder}/\``, Object.fromEntries(named));
}

/** `main` and the entry for tests may import all of them. */
const layers = Object.fromEntries(Object.entries(FOLDERS).filter(([name]) => name !== "main" && name !== "testing"));
const rooms = Object.entries(ROOMS).map(([folder, each]) => roomsOf(folder, each));
const text = [
  table("folder of `packages/server/src`", layers),
  ...rooms,
  table("package", PACKAGES),
  table("crate", CRATES),
  table("room of `crates/sandboxd/src`", SANDBOXD),
].join("\n");
const document = readFileSync(FILE, "utf8");
const [before = "", rest = ""] = document.split(BEGIN);
const after = rest.split(END)[1];
if (after === undefined) throw new Error(`${FILE} has no place for the layers: ${BEGIN.trim()} … ${END.trim()}`);
const made = `${before}${BEGIN}\n${text}\n${END}${after}`;
if (!process.argv.includes("--check")) writeFileSync(FILE, made);
else if (document !== made) {
  process.stderr.write("docs/ARCHITECTURE.md is not what the rules say. Run: node tools/generate-layers.ts\n");
  process.exitCode = 1;
}
process.stdout.write(`layers: ${Object.keys(layers).length} folders, ${rooms.length} of them with rooms\n`);
