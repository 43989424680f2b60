/** A function in both of its lives: in an environment that was initialised, and in a clone of its snapshot. */
import { DeleteFunctionCommand, InvokeCommand, type CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { expect } from "vitest";
import type { Files, Invoked, TestFunctions } from "../support/functions.ts";

export const LIVES = ["$LATEST", "1"] as const;

/** Publishes version 1 with SnapStart; returns the function's name. */
export async function makeBoth(
  functions: TestFunctions,
  files: Files,
  options: Partial<CreateFunctionCommandInput>,
): Promise<string> {
  const name = await functions.createSnapStart(files, options);
  await functions.publish(name);
  return name;
}

/** Runs a function in both lives and removes it: its environments make room for those of the next one. */
export async function inBoth(
  functions: TestFunctions,
  files: Files,
  options: Partial<CreateFunctionCommandInput>,
  event: unknown,
): Promise<readonly Invoked[]> {
  const FunctionName = await makeBoth(functions, files, options);
  try {
    const answers: Invoked[] = [];
    for (const life of LIVES) answers.push(await functions.invoke(FunctionName, event, life));
    return answers;
  } finally {
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName }));
  }
}

/** Runs a function in a fresh environment and removes it. */
export async function whenFresh(
  functions: TestFunctions,
  files: Files,
  options: Partial<CreateFunctionCommandInput>,
  event: unknown,
): Promise<Invoked> {
  const FunctionName = await functions.create(files, options);
  try {
    return await functions.invoke(FunctionName, event);
  } finally {
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName }));
  }
}

/**
 * Runs a function whose Init fails; returns its answer and all lines of its log. It has a whole processor: an Init of
 * 10 s has another end.
 */
export async function failingInit(
  functions: TestFunctions,
  files: Files,
  options: Partial<CreateFunctionCommandInput>,
): Promise<{ readonly payload: unknown; readonly lines: readonly string[] }> {
  const FunctionName = await functions.create(files, { ...options, MemorySize: 1769 });
  try {
    const { payload } = await functions.invoke(FunctionName);
    return { payload, lines: (await functions.logs(FunctionName)).map(({ message }) => message) };
  } finally {
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName }));
  }
}

/** The answer's bytes, which need not be JSON. */
export async function textOf(
  functions: TestFunctions,
  FunctionName: string,
  event: unknown,
  Qualifier: string,
): Promise<string> {
  const Payload = Buffer.from(JSON.stringify(event));
  const answer = await functions.lambda.send(new InvokeCommand({ FunctionName, Payload, Qualifier }));
  return Buffer.from(answer.Payload ?? []).toString();
}

/** AWS's error of a runtime that has ended; the request's id stands before the reason. */
export function exitError(reason: string): unknown {
  return {
    errorType: "Runtime.ExitError",
    errorMessage: expect.stringMatching(new RegExp(`^RequestId: [0-9a-f-]{36} Error: ${reason}$`)),
  };
}
