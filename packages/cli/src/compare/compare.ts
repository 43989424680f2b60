/** thaw compare FUNCTION [VERSION…]: measures cold starts in turns, against a budget where one is given. */
import { accessSync, appendFileSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import { readEvent } from "../payload.ts";
import { print, printJson } from "../table.ts";
import { formatHtml } from "./html.ts";
import { formatMarkdown } from "./markdown.ts";
import { measure } from "./measure.ts";
import { formatPage } from "./page.ts";
import { readPrimeFile, withPrimedCopy } from "./primed-copy.ts";
import { type Budget, type CompareReport, makeReport, type Measured } from "./report.ts";
import { choosePrimed, type Chosen, chooseSubjects } from "./subjects.ts";
import { formatSvg } from "./svg.ts";

const SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY";
const FAILED_STATUS = 1;
const MISSED_STATUS = 3;

export interface CompareOptions {
  readonly count: number;
  /** JSON, FILE, @FILE, or - for standard input. */
  readonly event?: string;
  /** Compares restores of a version without its prime events with those with them. */
  readonly primed?: boolean;
  /** The same with the prime events of this file. */
  readonly primedBy?: string;
  readonly svg?: string;
  readonly html?: string;
  /** Appends to the summary of the CI's step, which must be there. */
  readonly github?: boolean;
  /** Appends to it where it is there. */
  readonly summary?: boolean;
  /** Milliseconds. */
  readonly maxColdP50?: number;
  readonly maxColdP90?: number;
  readonly json: boolean;
}

interface Output {
  readonly path: string;
  readonly format: (report: CompareReport) => string;
  readonly isAppended: boolean;
}

/**
 * Measures and shows. The exit status is 1 where the function failed, 3 where a budget is missed. Throws when nothing
 * can be compared.
 */
export async function compareCommand(
  connection: Connection,
  target: string,
  versions: readonly string[],
  options: CompareOptions,
): Promise<void> {
  const payload = readEvent(options.event);
  const outputs = outputsOf(options);
  const { functionName, notes, measured } = await measureChosen(connection, target, versions, { ...options, payload });
  const budgets: readonly Budget[] = [
    ...(options.maxColdP50 === undefined ? [] : [{ of: "p50" as const, limitMs: options.maxColdP50 }]),
    ...(options.maxColdP90 === undefined ? [] : [{ of: "p90" as const, limitMs: options.maxColdP90 }]),
  ];
  const { count } = options;
  const report = makeReport({ functionName, measuredAtMs: Date.now(), count, measured, notes, budgets });
  if (options.json) printJson(report);
  else print(formatPage(report));
  tell(report, options.json);
  process.exitCode = statusOf(report);
  // What was measured is on standard output by now, whatever becomes of the files.
  for (const { path, format, isAppended } of outputs)
    withPath(path, () => (isAppended ? appendFileSync : writeFileSync)(path, format(report)));
}

interface MeasuredChoice extends Pick<Chosen, "functionName" | "notes"> {
  readonly measured: readonly Measured[];
}

async function measureChosen(
  connection: Connection,
  target: string,
  versions: readonly string[],
  { count, payload, primed, primedBy }: CompareOptions & { readonly payload: Buffer },
): Promise<MeasuredChoice> {
  const onRound = (round: number): void => showRound(round, count);
  const settings = { count, payload, onRound };
  if (primed !== true && primedBy === undefined) {
    const { functionName, subjects, notes } = await chooseSubjects(connection, target, versions);
    return { functionName, notes, measured: await measure(connection, { functionName, subjects, ...settings }) };
  }
  if (primed === true && primedBy !== undefined)
    throw new CommandError("--primed takes the events of the package, --primed-by those of a file: give one of them");
  const primes = primedBy === undefined ? null : readPrimeFile(primedBy);
  const { functionName, subjects, notes } = await choosePrimed(connection, target, versions);
  const { version = "", alias = null } = subjects[0] ?? {};
  const named = { FunctionName: functionName, Qualifier: version };
  const measured = await withPrimedCopy(connection, named, primes, (copy) =>
    measure(connection, { ...copy, ...settings }),
  );
  // A reader knows the version that was copied, not those of the copy.
  return { functionName, notes, measured: measured.map((each) => ({ ...each, version, alias })) };
}

/** Says on standard error what the exit status is for, where standard output is for programs. */
function tell({ budgets, notes }: CompareReport, isJson: boolean): void {
  if (!isJson) return;
  for (const note of notes) process.stderr.write(`Note: ${note}.\n`);
  for (const { sentence, isMet } of budgets) if (!isMet) process.stderr.write(`${sentence}\n`);
}

function statusOf({ variants, budgets }: CompareReport): number {
  if (variants.some(({ failures }) => failures > 0)) return FAILED_STATUS;
  return budgets.every(({ isMet }) => isMet) ? 0 : MISSED_STATUS;
}

function showRound(round: number, count: number): void {
  if (process.stderr.isTTY)
    process.stderr.write(round === 0 ? "one round that is not counted\n" : `round ${round} of ${count}\n`);
}

/** Throws CommandError before anything is measured where a file could not be written then. */
function outputsOf({ svg, html, github, summary }: CompareOptions): readonly Output[] {
  const path = process.env[SUMMARY_VARIABLE] ?? "";
  if (path === "" && github === true)
    throw new CommandError(
      `--github: ${SUMMARY_VARIABLE} is not set, so this is no step of a CI job. With --summary there is a summary only where it is set`,
    );
  if (path === "" && summary === true) process.stderr.write(`${SUMMARY_VARIABLE} is not set: no summary is written.\n`);
  const isSummed = path !== "" && (github === true || summary === true);
  const outputs: readonly Output[] = [
    ...(svg === undefined ? [] : [{ path: svg, format: formatSvg, isAppended: false }]),
    ...(html === undefined ? [] : [{ path: html, format: formatHtml, isAppended: false }]),
    ...(isSummed ? [{ path, format: formatMarkdown, isAppended: true }] : []),
  ];
  for (const output of outputs) withPath(output.path, () => refuseUnwritable(output.path));
  return outputs;
}

function refuseUnwritable(path: string): void {
  if (!existsSync(path)) return accessSync(dirname(path), constants.W_OK);
  if (statSync(path).isDirectory()) throw new Error("it is a directory");
  return accessSync(path, constants.W_OK);
}

function withPath(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new CommandError(`${path} can't be written: ${(error as Error).message}`);
  }
}
