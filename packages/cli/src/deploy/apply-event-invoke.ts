/** Sets how asynchronous invokes of what was deployed are tried again, and where their results go. */
import {
  DeleteFunctionEventInvokeConfigCommand,
  PutFunctionEventInvokeConfigCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import type { PlannedEventInvoke } from "@thaw/template/planned";
import { fillMarks } from "@thaw/template/marks";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import type { Progress } from "./publish.ts";

/** Throws CommandError where the server refuses a destination, or a version is missing. */
export async function applyEventInvoke(
  connection: Connection,
  planned: PlannedEventInvoke,
  numbers: ReadonlyMap<string, string>,
  progress: Progress,
): Promise<void> {
  const { functionName, config } = planned;
  const filled = fillMarks(planned.qualifier, numbers);
  if (filled === null) throw new CommandError(`${functionName}: asynchronous invokes of a version that is not there`);
  // An alias's or a version's ARN ends with it.
  const qualifier = filled.split(":").at(-1) ?? filled;
  progress(`${functionName}: asynchronous invokes of ${qualifier}`);
  const command = new PutFunctionEventInvokeConfigCommand({
    FunctionName: functionName,
    Qualifier: qualifier,
    ...config,
  });
  try {
    await connection.lambda.send(command);
  } catch (error) {
    if ((error as Error).name !== "InvalidParameterValueException") throw error;
    throw new CommandError(`${functionName}: ${(error as Error).message}`);
  }
}

/** Takes the settings of an earlier deployment away, where they are still there. */
export async function removeEventInvoke(connection: Connection, name: string, qualifier: string): Promise<void> {
  try {
    await connection.lambda.send(
      new DeleteFunctionEventInvokeConfigCommand({ FunctionName: name, Qualifier: qualifier }),
    );
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}
