/**
 * node tests/scan/precision/main.ts DIR: scans what fetch.sh brought to DIR, and prints each finding with its line of
 * code, for a person to judge. docs/reference/scan-precision.md has the verdicts; `--json` prints what that document's
 * table is made from.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { scan } from "@thaw/scan/scan";
import { noServer } from "../compile.ts";

const [dir, flag] = process.argv.slice(2);
if (dir === undefined) throw new Error("usage: main.ts DIR [--json]");
const rows: Array<{ readonly name: string; readonly handlers: number; readonly findings: number }> = [];

function lineAt(file: string, line: number): string {
  return existsSync(file) ? (readFileSync(file, "utf8").split("\n")[line - 1] ?? "").trim().slice(0, 200) : "";
}

const handlers = new Map(
  readFileSync(join(import.meta.dirname, "packages.txt"), "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .map(([registry, name, , handler]) => [`${registry} ${name?.replaceAll(/[/:]/g, "_")}`, handler] as const),
);

for (const registry of readdirSync(dir).sort()) {
  for (const name of readdirSync(join(dir, registry)).sort()) {
    const root = join(dir, registry, name);
    const target = registry === "maven" ? join(root, readdirSync(root)[0] ?? "") : root;
    const handler = handlers.get(`${registry} ${name}`);
    const startMs = performance.now();
    try {
      const { findings, scanned, problems } = await scan(target, handler === undefined ? {} : { handler }, noServer);
      const count = scanned.reduce((sum, unit) => sum + unit.handlers.length, 0);
      rows.push({ name: `${registry} ${name}`, handlers: count, findings: findings.length });
      if (flag === "--json") continue;
      const files = scanned.reduce((sum, unit) => sum + unit.files, 0);
      process.stdout.write(
        `\n== ${registry} ${name}: ${count} handlers, ${files} files, ${problems.length} problems, ${Math.round(performance.now() - startMs)} ms\n`,
      );
      for (const finding of findings) {
        const where = `${finding.file.startsWith("/") || finding.file.startsWith("..") ? relative(root, finding.file) : finding.file}:${finding.line}`;
        process.stdout.write(
          `  [${finding.rule}] ${where} ${finding.kept ?? ""} <- ${finding.what} @${finding.source.file.split("/").at(-1)}:${finding.source.line}\n      ${lineAt(finding.file, finding.line)}\n`,
        );
      }
    } catch (error) {
      rows.push({ name: `${registry} ${name}`, handlers: 0, findings: 0 });
      if (flag !== "--json")
        process.stdout.write(`\n== ${registry} ${name}: ${(error as Error).message.split("\n")[0]}\n`);
    }
  }
}
if (flag === "--json") process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
