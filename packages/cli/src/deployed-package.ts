/** The package of a deployed function, as GetFunction's link gives it. */
import { type FunctionConfiguration, GetFunctionCommand } from "@aws-sdk/client-lambda";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "./connection.ts";

export interface DeployedPackage {
  readonly configuration: FunctionConfiguration;
  readonly zip: Buffer;
}

/** `instead`: what to do where it is a container image. Throws CommandError where there is no package. */
export async function fetchPackage(
  connection: Connection,
  named: { readonly FunctionName: string; readonly Qualifier?: string },
  instead: string,
): Promise<DeployedPackage> {
  const { Configuration = {}, Code } = await (await connection.lambda()).send(new GetFunctionCommand(named));
  if (Code?.Location === undefined) {
    const kind = Code?.RepositoryType ?? "a container image";
    throw new CommandError(`${named.FunctionName} has no package that could be fetched (${kind}). ${instead}`);
  }
  const response = await fetch(Code.Location);
  if (!response.ok)
    throw new CommandError(`${named.FunctionName}: its code can't be fetched: the server answered ${response.status}`);
  return { configuration: Configuration, zip: Buffer.from(await response.arrayBuffer()) };
}
