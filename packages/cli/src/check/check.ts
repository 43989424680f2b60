/** thaw check FUNCTION:VERSION: shows on one page the values that copies of a version's snapshot share. */
import { readFileSync, writeFileSync } from "node:fs";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import { print, printJson } from "../table.ts";
import { formatHtml } from "./html.ts";
import { formatPage } from "./page.ts";

export interface CheckOptions {
  readonly event?: string;
  readonly html?: string;
  readonly clones: number;
  readonly json: boolean;
}

/** Runs a check; the exit status is 1 where it found something. Throws when the check could not be done. */
export async function checkCommand(connection: Connection, name: string, options: CheckOptions): Promise<void> {
  const event = options.event === undefined ? "{}" : readEvent(options.event);
  const body = { function: name, event, clones: options.clones };
  const report = await connection.thaw.call("checkFunction", { body });
  if (options.html !== undefined) writeFileSync(options.html, formatHtml(report));
  if (options.json) printJson(report);
  else print(formatPage(report));
  process.exitCode = report.verdict.status === "good" ? 0 : 1;
}

function readEvent(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    throw new CommandError(`${path}: ${(error as Error).message}`);
  }
}
