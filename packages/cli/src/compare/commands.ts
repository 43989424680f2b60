/** The command thaw compare: what it takes. */
import { type Command, InvalidArgumentError } from "commander";
import type { Connection } from "../connection.ts";
import type { CompareOptions } from "./compare.ts";
import { parseDuration } from "./duration.ts";

const COUNT_DEFAULT = 10;
const COUNT_MAX = 100;

type CompareFlags = Omit<CompareOptions, "json">;

/** What the commands of the program have in common. */
interface Surroundings {
  readonly connect: () => Connection;
  readonly isJson: (command: Command) => boolean;
  /** Runs a command; `status` is the exit status where the work could not be done. */
  readonly runOrFail: (work: () => Promise<unknown>, status: number) => Promise<void>;
  readonly exitOfWrongCall: Parameters<Command["exitOverride"]>[0];
}

export function addCompareCommand(
  program: Command,
  { connect, isJson, runOrFail, exitOfWrongCall }: Surroundings,
): void {
  program
    .command("compare")
    .argument("<function>", "NAME, or NAME:VERSION or NAME:ALIAS")
    .argument("[versions...]", "versions or aliases to compare (default: Init with the newest version with SnapStart)")
    .option("--count <number>", `cold invokes of each, 1 to ${COUNT_MAX}`, parseCount, COUNT_DEFAULT)
    .option("--event <json|file>", "the event: JSON, FILE, @FILE, or - for standard input; else {}")
    .option("--primed", "compare restores of a version without and with the prime events of its package, as a copy")
    .option("--primed-by <file>", "the same with the prime events of FILE, which has the form of thaw.prime.json")
    .option("--svg <file>", "write a picture there")
    .option("--html <file>", "write a page with the picture there")
    .option("--max-cold-p50 <duration>", "budget for the median of the last version, as 50ms or 1.5s", parseBudget)
    .option("--max-cold-p90 <duration>", "budget for its ninth decile", parseBudget)
    .option("--github", "append Markdown to the summary of this step of a CI job (GITHUB_STEP_SUMMARY)")
    .option("--summary", "the same where there is one")
    .description(
      "measure cold starts in turns; ends the versions' environments before each (exit status: 0, 1 the function failed, 2 could not compare, 3 over budget)",
    )
    .exitOverride(exitOfWrongCall)
    .action((name: string, versions: readonly string[], options: CompareFlags, command: Command) =>
      runOrFail(async () => {
        const { compareCommand } = await import("./compare.ts");
        await compareCommand(connect(), name, versions, { ...options, json: isJson(command) });
      }, 2),
    );
}

function parseCount(text: string): number {
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > COUNT_MAX) throw new InvalidArgumentError(`expected a whole number from 1 to ${COUNT_MAX}`);
  return value;
}

function parseBudget(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError("expected a duration above 0 with its unit: 50ms or 1.5s");
  return ms;
}
