/** thaw check FUNCTION:VERSION: shows on one page the values that copies of a version's snapshot share. */
import { writeFileSync } from "node:fs";
import type { Connection } from "../connection.ts";
import { readEvent } from "../payload.ts";
import { print, printJson } from "../table.ts";
import { formatHtml } from "./html.ts";
import { formatPage } from "./page.ts";

export interface CheckOptions {
  /** JSON, FILE, @FILE, or - for standard input. */
  readonly event?: string;
  readonly html?: string;
  readonly clones: number;
  readonly json: boolean;
}

/** Runs a check; the exit status is 1 where it found something. Throws when the check could not be done. */
export async function checkCommand(connection: Connection, name: string, options: CheckOptions): Promise<void> {
  const event = readEvent(options.event).toString("utf8");
  const body = { function: name, event, clones: options.clones };
  const report = await connection.thaw.call("checkFunction", { body });
  if (options.html !== undefined) writeFileSync(options.html, formatHtml(report));
  if (options.json) printJson(report);
  else print(formatPage(report));
  process.exitCode = report.verdict.status === "good" ? 0 : 1;
}
