/** thaw invoke: the payload on standard output, the log on standard error. */
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type InvokeCommandOutput,
  ResourceConflictException,
} from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "./connection.ts";
import { readPayload } from "./payload.ts";
import { print, printJson } from "./table.ts";
import { readable } from "./terminal.ts";

export interface InvokeOptions {
  readonly event?: boolean;
  readonly quiet?: boolean;
  readonly json: boolean;
}

export async function invoke(
  connection: Connection,
  name: string,
  payload: string,
  options: InvokeOptions,
): Promise<void> {
  const answer = await send(connection, name, readPayload(payload), options);
  const log = Buffer.from(answer.LogResult ?? "", "base64");
  const body = Buffer.from(answer.Payload ?? new Uint8Array());
  if (options.json) printAnswer(answer, body, log);
  else showAnswer(body, log, options);
  if (answer.FunctionError === undefined) return;
  process.exitCode = 1;
  if (options.quiet !== true) process.stderr.write(`The function failed. Its whole log: ${PROGRAM} logs ${name}\n`);
}

/** Sends the invoke. The refusal of a version that could not be made says why, and where its log is. */
async function send(
  connection: Connection,
  name: string,
  payload: Buffer,
  options: InvokeOptions,
): Promise<InvokeCommandOutput> {
  const command = new InvokeCommand({
    FunctionName: name,
    Payload: payload,
    ...(options.event === true ? { InvocationType: "Event" as const } : { LogType: "Tail" as const }),
  });
  try {
    return await (await connection.lambda()).send(command);
  } catch (error) {
    throw error instanceof ResourceConflictException ? await explainState(connection, name, error) : error;
  }
}

/** Makes the error of a version that has failed; the error itself where it is about something else. */
async function explainState(connection: Connection, name: string, error: Error): Promise<Error> {
  const command = new GetFunctionConfigurationCommand({ FunctionName: name });
  const found = await (await connection.lambda()).send(command).catch(() => null);
  if (found?.State !== "Failed") return error;
  const version = found.Version === undefined || found.Version === "$LATEST" ? "" : `:${found.Version}`;
  const reason = found.StateReason ?? found.StateReasonCode ?? "no reason was given";
  // Its log is as old as the version.
  const since = found.LastModified === undefined ? "" : ` --since ${found.LastModified.slice(0, 19)}Z`;
  return new CommandError(
    `${found.FunctionName}${version} has failed: ${reason}\nIts log: ${PROGRAM} logs ${found.FunctionName}${version}${since}`,
  );
}

function showAnswer(body: Buffer, log: Buffer, options: InvokeOptions): void {
  if (options.quiet !== true && log.length > 0) {
    // A pipe gets the log's own bytes, which need not be text.
    if (process.stderr.isTTY) process.stderr.write(readable(log.toString("utf8"), process.stderr));
    else process.stderr.write(log);
    if (log.at(-1) !== 0x0a) process.stderr.write("\n");
  }
  if (options.event === true) return print("accepted\n");
  process.stdout.write(body);
  return print("\n");
}

/** Prints the answer as a document. A payload that is no JSON, as custom runtimes may give, is there as text. */
function printAnswer(answer: InvokeCommandOutput, body: Buffer, log: Buffer): void {
  printJson({
    statusCode: answer.StatusCode,
    executedVersion: answer.ExecutedVersion,
    functionError: answer.FunctionError,
    ...payloadMembers(body.toString("utf8")),
    log: log.toString("utf8"),
  });
}

function payloadMembers(text: string): { readonly payload: unknown; readonly payloadText?: string } {
  if (text === "") return { payload: null };
  try {
    return { payload: JSON.parse(text) as unknown };
  } catch {
    return { payload: null, payloadText: text };
  }
}
