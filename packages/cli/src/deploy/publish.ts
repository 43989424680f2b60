/** Publishes versions and points aliases to them. */
import {
  CreateAliasCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  ResourceNotFoundException,
  UpdateAliasCommand,
} from "@aws-sdk/client-lambda";
import { setTimeout as delay } from "node:timers/promises";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";

export type Progress = (line: string) => void;

export const POLL_MS = 200;
const PROGRESS_EVERY_MS = 5000;

export interface VersionWanted {
  readonly functionName: string;
  readonly description: string | null;
  /** Digest that the code must have; null: any. */
  readonly codeSha256: string | null;
}

export interface AliasWanted {
  readonly functionName: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Shares of invokes by the numbers of other versions. */
  readonly weights: Readonly<Record<string, number>>;
}

/** Publishes what the function is now, and waits until the version can be invoked. Gives its number. */
export async function publishVersion(
  connection: Connection,
  { functionName: name, description, codeSha256 }: VersionWanted,
  progress: Progress,
): Promise<string> {
  const published = await connection.lambda.send(
    new PublishVersionCommand({
      FunctionName: name,
      ...(description === null ? {} : { Description: description }),
      ...(codeSha256 === null ? {} : { CodeSha256: codeSha256 }),
    }),
  );
  const version = published.Version ?? "";
  const isSnapStart = published.SnapStart?.ApplyOn === "PublishedVersions";
  progress(`${name}: version ${version}${isSnapStart ? " is initialised for its snapshot" : ""}`);
  await untilUsable(connection, name, version, progress);
  return version;
}

async function untilUsable(connection: Connection, name: string, version: string, progress: Progress): Promise<void> {
  const startMs = performance.now();
  let nextMs = PROGRESS_EVERY_MS;
  for (;;) {
    const { State, StateReason, StateReasonCode, SnapStart } = await getConfiguration(connection, name, version);
    const elapsedMs = performance.now() - startMs;
    const seconds = (elapsedMs / 1000).toFixed(1);
    if (State === "Active") {
      const snapshot = SnapStart?.OptimizationStatus ?? "Off";
      return progress(`${name}: version ${version} is Active after ${seconds} s (snapshot ${snapshot})`);
    }
    // Published before and idle since: nothing new to make.
    if (State === "Inactive") {
      const why = StateReasonCode ?? "";
      return progress(`${name}: version ${version} is Inactive (${why}); an invoke initialises it again`);
    }
    if (State === "Failed")
      throw new CommandError(
        `${name}: version ${version} Failed: ${StateReason ?? ""} (${StateReasonCode ?? ""}). See: ${PROGRAM} logs ${name}`,
      );
    if (elapsedMs > nextMs) {
      progress(`${name}: version ${version} is ${State} … ${seconds} s`);
      nextMs += PROGRESS_EVERY_MS;
    }
    await delay(POLL_MS);
  }
}

/** Makes or changes an alias; what is not wanted of it any more goes back to its default. */
export async function pointAlias(connection: Connection, alias: AliasWanted, progress: Progress): Promise<void> {
  const { functionName, name, version, description, weights } = alias;
  const input = {
    FunctionName: functionName,
    Name: name,
    FunctionVersion: version,
    Description: description,
    RoutingConfig: { AdditionalVersionWeights: { ...weights } },
  };
  try {
    await connection.lambda.send(new UpdateAliasCommand(input));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await connection.lambda.send(new CreateAliasCommand(input));
  }
  const shares = Object.entries(weights).map(([other, weight]) => `, ${weight} of it to version ${other}`);
  progress(`${functionName}: alias ${name} → version ${version}${shares.join("")}`);
}

/** Keeps environments ready for a version or an alias; null: none. */
export async function provision(
  connection: Connection,
  name: string,
  qualifier: string,
  count: number | null,
  progress: Progress,
): Promise<void> {
  if (qualifier === "$LATEST") return;
  const target = { FunctionName: name, Qualifier: qualifier };
  if (count === null) {
    await connection.lambda.send(new DeleteProvisionedConcurrencyConfigCommand(target));
    return;
  }
  await connection.lambda.send(
    new PutProvisionedConcurrencyConfigCommand({ ...target, ProvisionedConcurrentExecutions: count }),
  );
  progress(`${name}:${qualifier}: ${count} environments are kept ready`);
}

export function getConfiguration(
  connection: Connection,
  name: string,
  qualifier: string | undefined,
): Promise<FunctionConfiguration> {
  return connection.lambda.send(
    new GetFunctionConfigurationCommand({
      FunctionName: name,
      ...(qualifier === undefined ? {} : { Qualifier: qualifier }),
    }),
  );
}
