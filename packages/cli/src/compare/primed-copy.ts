/**
 * A copy of a function for as long as a comparison takes, with two versions that differ in their prime events only.
 * Priming is a part of the package, so a version of the function itself would need another `$LATEST`, which others use.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  UpdateFunctionCodeCommand,
} from "@aws-sdk/client-lambda";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { readUserText } from "@thaw/installation/user-text";
import { readPrimes } from "@thaw/template/primes";
import type { TemplateMap } from "@thaw/template/value";
import type { Connection } from "../connection.ts";
import { fetchPackage } from "../deployed-package.ts";
import type { Subject } from "./measure.ts";
import { withPrimes } from "./prime-package.ts";
import { oneLine } from "./report.ts";

const LOOK_AGAIN_MS = 50;
const NAME_LENGTH_MAX = 64;
const LATEST = "$LATEST";
/** Ended by a signal: 128 and its number, as shells have it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

export interface PrimedCopy {
  readonly functionName: string;
  /** Unprimed and primed, in this order. */
  readonly subjects: readonly Subject[];
}

/** Reads events in the form of thaw.prime.json. Throws CommandError where the file has another one. */
export function readPrimeFile(path: string): string {
  let text: string;
  try {
    text = readUserText(path);
  } catch (error) {
    throw new CommandError(`--primed-by: ${(error as Error).message}`);
  }
  const found = formOf(text);
  if (found === null)
    throw new CommandError(`--primed-by: ${path} must be {"events": [EVENT, …], "times": NUMBER}; times may be absent`);
  return found;
}

function formOf(text: string): string | null {
  try {
    const { events, times, ...rest } = JSON.parse(text) as TemplateMap;
    if (Object.keys(rest).length > 0 || !Array.isArray(events) || events.length === 0) return null;
    return readPrimes({ Prime: { Events: events, ...(times === undefined ? {} : { Times: times }) } });
  } catch {
    return null;
  }
}

/**
 * Runs `work` with a copy of a version, which is deleted then, also where a signal ends the program. `primes`: the text
 * of a thaw.prime.json; null takes the package's own.
 */
export async function withPrimedCopy<T>(
  connection: Connection,
  named: { readonly FunctionName: string; readonly Qualifier: string },
  primes: string | null,
  work: (copy: PrimedCopy) => Promise<T>,
): Promise<T> {
  const shown = `${named.FunctionName}:${named.Qualifier}`;
  const instead = "Priming of images is not compared: publish a version with and one without, and compare these";
  const { configuration, zip } = await fetchPackage(connection, named, instead);
  const unprimed = await withPrimes(zip, null);
  const events = primes ?? unprimed.own;
  if (events === null)
    throw new CommandError(
      `${shown} has no thaw.prime.json, so it is not primed. To try some events: ${PROGRAM} compare ${shown} --primed-by FILE`,
    );
  const functionName = nameFor(named.FunctionName);
  return whileThere(connection, functionName, async () => {
    const copy = new Copy(connection, functionName);
    const one = await copy.create(configuration, unprimed.zip);
    const other = await copy.replace((await withPrimes(zip, events)).zip);
    return work({ functionName, subjects: [one, other] });
  });
}

class Copy {
  readonly #connection: Connection;
  readonly #name: string;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  async create(configuration: FunctionConfiguration, zip: Buffer): Promise<Subject> {
    const input = { ...inputOf(configuration), FunctionName: this.#name, Code: { ZipFile: zip }, Publish: true };
    const { Version: version = "1" } = await (await this.#connection.lambda()).send(new CreateFunctionCommand(input));
    await this.#settled(version);
    return { version, alias: null, isPrimed: false };
  }

  async replace(zip: Buffer): Promise<Subject> {
    const input = { FunctionName: this.#name, ZipFile: zip, Publish: true };
    await this.#settled(LATEST);
    const { Version: version = "2" } = await (await this.#connection.lambda()).send(
      new UpdateFunctionCodeCommand(input),
    );
    await this.#settled(version);
    return { version, alias: null, isPrimed: true };
  }

  async #settled(qualifier: string): Promise<void> {
    const named = { FunctionName: this.#name, Qualifier: qualifier };
    for (;;) {
      const found = await (await this.#connection.lambda()).send(new GetFunctionConfigurationCommand(named));
      if (found.State === "Active" && found.LastUpdateStatus !== "InProgress") return;
      if (found.State === "Failed")
        throw new CommandError(
          `a version ${qualifier === "1" ? "without" : "with"} prime events could not be made: ${oneLine(found.StateReason ?? "no reason was given")}`,
        );
      await pause(LOOK_AGAIN_MS);
    }
  }
}

async function whileThere<T>(connection: Connection, functionName: string, work: () => Promise<T>): Promise<T> {
  const remove = async (): Promise<void> => {
    await (await connection.lambda())
      .send(new DeleteFunctionCommand({ FunctionName: functionName }))
      .catch((error: Error) => {
        if (error.name === "ResourceNotFoundException") return;
        process.stderr.write(`${functionName} stays: ${oneLine(error.message)}\n`);
      });
  };
  const handlers = Object.entries(SIGNALS).map(([signal, status]) => {
    const onSignal = (): void => void remove().finally(() => process.exit(status));
    process.once(signal, onSignal);
    return [signal, onSignal] as const;
  });
  try {
    return await work();
  } finally {
    for (const [signal, onSignal] of handlers) process.off(signal, onSignal);
    await remove();
  }
}

/** The random end keeps two comparisons at the same time apart. */
function nameFor(name: string): string {
  const end = `-compare-${randomBytes(4).toString("hex")}`;
  return `${name.slice(0, NAME_LENGTH_MAX - end.length)}${end}`;
}

/** Everything that has a part in a cold start. Its log goes to the group of the function that it is a copy of. */
function inputOf(configuration: FunctionConfiguration): Omit<CreateFunctionCommandInput, "FunctionName" | "Code"> {
  const { Runtime, Role, Handler, Timeout, MemorySize, EphemeralStorage, LoggingConfig, KMSKeyArn } = configuration;
  const { Architectures, TracingConfig, FileSystemConfigs, VpcConfig } = configuration;
  return {
    Description: `copy for ${PROGRAM} compare, which deletes it`,
    Runtime,
    Role,
    Handler,
    Timeout,
    MemorySize,
    EphemeralStorage,
    LoggingConfig,
    KMSKeyArn,
    Architectures,
    TracingConfig,
    FileSystemConfigs,
    ...((VpcConfig?.SubnetIds ?? []).length === 0
      ? {}
      : { VpcConfig: { SubnetIds: VpcConfig?.SubnetIds, SecurityGroupIds: VpcConfig?.SecurityGroupIds } }),
    Environment: { Variables: configuration.Environment?.Variables ?? {} },
    Layers: (configuration.Layers ?? []).flatMap(({ Arn }) => Arn ?? []),
    SnapStart: { ApplyOn: "PublishedVersions" },
  };
}
