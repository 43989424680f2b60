/** A function as people name it, looked up on the server: a name that is none must not look like an empty answer. */
import type { Connection } from "./connection.ts";

export interface NamedFunction {
  readonly name: string;
  /** Null: all of them are meant. That of an alias is the one with most of its invokes. */
  readonly version: string | null;
}

/** `given`: NAME, NAME:QUALIFIER or an ARN. Throws ResourceNotFoundException where the server has none. */
export async function findFunction({ lambda }: Pick<Connection, "lambda">, given: string): Promise<NamedFunction> {
  const { GetFunctionConfigurationCommand } = await import("@aws-sdk/client-lambda");
  const command = new GetFunctionConfigurationCommand({ FunctionName: given });
  const { FunctionName: name = given, Version: version = null } = await (await lambda()).send(command);
  const isUnqualified = given === name || given.endsWith(`:function:${name}`);
  return { name, version: isUnqualified ? null : version };
}
