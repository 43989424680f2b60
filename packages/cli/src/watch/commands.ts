/** The commands of those who watch: invocations, top. */
import { type Command, InvalidArgumentError } from "commander";
import { INVOCATION_OUTCOMES, type InvocationOutcome } from "@thaw/thaw-api/outcomes";
import { choiceOf } from "../did-you-mean.ts";
import type { Connection } from "../connection.ts";
import { showInvocations } from "./invocations.ts";
import { showTop } from "./top.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 1000;

interface InvocationFlags {
  readonly follow?: boolean;
  readonly cold?: boolean;
  readonly outcome?: InvocationOutcome;
  readonly limit: number;
}

export function addWatchCommands(
  program: Command,
  connect: () => Connection,
  isJson: (command: Command) => boolean,
): void {
  program
    .command("invocations")
    .argument("[function]", "NAME, NAME:VERSION, NAME:ALIAS or ARN; or a request ID, to see where its time went")
    .option("-f, --follow", "go on with new ones when they end")
    .option("--cold", "only cold starts: restored or initialised for the invocation")
    .addOption(choiceOf("--outcome <outcome>", "only those that ended so", INVOCATION_OUTCOMES))
    .option("--limit <number>", `at most this many, up to ${LIMIT_MAX}`, parseLimit, LIMIT_DEFAULT)
    .description("recent invocations, and where the time of one went; kept since the start of the server")
    .action((target: string | undefined, options: InvocationFlags, command: Command) =>
      showInvocations(connect(), target, { ...options, json: isJson(command) }),
    );
  program
    .command("top")
    .description("functions with their snapshots and counts, renewed every two seconds; q ends it")
    .action((_options: unknown, command: Command) => showTop(connect(), isJson(command)));
}

function parseLimit(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > LIMIT_MAX)
    throw new InvalidArgumentError(`expected a whole number from 1 to ${LIMIT_MAX}`);
  return value;
}
