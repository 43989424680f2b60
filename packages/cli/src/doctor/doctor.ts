/** thaw doctor: line by line what this host can do, and what to do about the rest. Exit status 1 where Thaw can't run. */
import { connect } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { checkHost, type Finding } from "./checks.ts";

const MARKS = { ok: "ok  ", warning: "warn", problem: "FAIL" } as const;

export async function runDoctor(json: boolean): Promise<void> {
  const findings: Finding[] = [...checkHost(), await checkServer()];
  if (json) printJson(findings);
  else {
    for (const { level, what, detail, remedy } of findings) {
      print(`${MARKS[level]}  ${what.padEnd(22)} ${detail}\n`);
      if (level !== "ok" && remedy !== undefined) print(`      ${"".padEnd(22)} → ${remedy}\n`);
    }
  }
  if (findings.some(({ level }) => level === "problem")) process.exitCode = 1;
}

async function checkServer(): Promise<Finding> {
  const { endpoint } = connect();
  const answers = await fetch(`${endpoint}/_thaw/v1/health`)
    .then((response) => response.ok)
    .catch(() => false);
  if (answers) return { level: "ok", what: "server", detail: `answers at ${endpoint}` };
  return { level: "warning", what: "server", detail: `nothing answers at ${endpoint}`, remedy: "npx thaw serve" };
}
