/** thaw without a command: what there is to do next, by what runs on this host. */
import { type FunctionConfiguration, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import type { Connection } from "./connection.ts";
import { describeError } from "./errors.ts";
import { formatTable } from "./table.ts";

/** A server that takes longer is told as one that does not answer. */
const ANSWER_MS_MAX = 15_000;

export async function nextSteps(connect: () => Connection): Promise<string> {
  const connection = connect();
  const { endpoint } = connection;
  let functions: readonly FunctionConfiguration[];
  try {
    functions = await firstFunctions(connection);
  } catch (error) {
    return `Now: ${describeError(error, () => endpoint)}\n`;
  }
  const [first] = functions;
  if (first === undefined)
    return steps(`The server at ${endpoint} has no functions yet. Next:`, [
      ["init hello", "write a small function"],
      ["deploy hello", "make it on the server"],
    ]);
  const name = first.FunctionName ?? "";
  return steps(`The server at ${endpoint} has functions, among them ${name}. Next:`, [
    [`invoke ${name}`, "call it"],
    [`logs ${name}`, "what it has said"],
    ["top", "all functions, with their snapshots"],
    ["console", "the same in a browser"],
  ]);
}

/** Names of functions for completion; nothing where no server answers, for nobody reads an error there. */
export async function functionNames(connect: () => Connection): Promise<readonly string[]> {
  try {
    const names = (await firstFunctions(connect())).map(({ FunctionName: name = "" }) => name);
    // A shell expands what it is given: nothing passes that could be more than a name.
    return names.filter((name) => /^[\w-]+$/.test(name));
  } catch {
    return [];
  }
}

/** Those of the first page. */
async function firstFunctions({ lambda }: Connection): Promise<readonly FunctionConfiguration[]> {
  const abortSignal = AbortSignal.timeout(ANSWER_MS_MAX);
  const { Functions: functions = [] } = await (await lambda()).send(new ListFunctionsCommand({}), { abortSignal });
  return functions;
}

function steps(head: string, rows: ReadonlyArray<readonly [string, string]>): string {
  const [first = "", ...others] = rows.map(([command, about]) => [`  ${PROGRAM} ${command}`, about]);
  return `${head}\n${formatTable(first as string[], others)}`;
}
