/** Carries out a plan, with progress: functions, then versions, then aliases. Can be run again after any failure. */
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  type CreateFunctionCommandInput,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  ResourceNotFoundException,
  TagResourceCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from "@aws-sdk/client-lambda";
import { setTimeout as delay } from "node:timers/promises";
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../connection.ts";
import { digestOf, packageCode, packageInline } from "./package-code.ts";
import type { Plan, PlannedFunction } from "@thaw/template/planned";

export type Progress = (line: string) => void;

export interface Deployed {
  readonly functionName: string;
  readonly version: string | null;
  readonly alias: string | null;
  readonly optimization: string | null;
}

const POLL_MS = 200;
const PROGRESS_EVERY_MS = 5000;
const REQUEST_ZIP_BYTES_MAX = 50 * 1024 * 1024;
const DEFAULT_ROLE = "arn:aws:iam::000000000000:role/thaw";

interface CodeMembers {
  readonly ZipFile?: Uint8Array;
  readonly S3Bucket?: string;
  readonly S3Key?: string;
}

export async function applyPlan(
  connection: Connection,
  plan: Plan,
  baseDir: string,
  progress: Progress,
): Promise<readonly Deployed[]> {
  const deployed: Deployed[] = [];
  for (const planned of plan.functions) deployed.push(await applyFunction(connection, planned, baseDir, progress));
  const published = new Map<string, string>();
  for (const version of plan.versions) {
    const number = await publishVersion(connection, version.functionName, version.description, progress);
    published.set(version.logicalId, number);
    await provision(connection, version.functionName, number, version.provisionedConcurrency, progress);
  }
  for (const alias of plan.aliases) {
    await pointAlias(
      connection,
      alias.functionName,
      alias.name,
      published.get(alias.version) ?? alias.version,
      progress,
    );
    await provision(connection, alias.functionName, alias.name, alias.provisionedConcurrency, progress);
  }
  return deployed;
}

async function applyFunction(
  connection: Connection,
  planned: PlannedFunction,
  baseDir: string,
  progress: Progress,
): Promise<Deployed> {
  const code = await prepareCode(connection, planned, baseDir);
  const current = await find(connection, planned.name);
  if (current === null) {
    progress(`${planned.name}: create`);
    const input = {
      Role: DEFAULT_ROLE,
      ...planned.config,
      FunctionName: planned.name,
      Code: code.members,
      Tags: planned.tags,
    };
    await connection.lambda.send(new CreateFunctionCommand(input as CreateFunctionCommandInput));
  } else {
    await update(connection, planned, current, code, progress);
  }
  await settle(connection, planned.name);
  await reserve(connection, planned);
  if (planned.autoPublishAlias === null)
    return { functionName: planned.name, version: null, alias: null, optimization: null };
  const version = await publishVersion(connection, planned.name, null, progress);
  await pointAlias(connection, planned.name, planned.autoPublishAlias, version, progress);
  await provision(connection, planned.name, planned.autoPublishAlias, planned.provisionedConcurrency, progress);
  const { SnapStart } = await getConfiguration(connection, planned.name, version);
  return {
    functionName: planned.name,
    version,
    alias: planned.autoPublishAlias,
    optimization: SnapStart?.OptimizationStatus ?? null,
  };
}

async function update(
  connection: Connection,
  planned: PlannedFunction,
  current: FunctionConfiguration,
  code: PreparedCode,
  progress: Progress,
): Promise<void> {
  progress(`${planned.name}: update`);
  // A setting that the template leaves out goes back to its default, as with CloudFormation.
  const defaults = {
    Timeout: 3,
    MemorySize: 128,
    Description: "",
    Environment: { Variables: {} },
    SnapStart: { ApplyOn: "None" },
    EphemeralStorage: { Size: 512 },
    FileSystemConfigs: [],
  };
  const { Architectures: _, ...config } = planned.config;
  await connection.lambda.send(
    new UpdateFunctionConfigurationCommand({
      ...defaults,
      ...config,
      FunctionName: planned.name,
    } as UpdateFunctionConfigurationCommandInput),
  );
  await settle(connection, planned.name);
  if (code.sha256 === null || code.sha256 !== current.CodeSha256) {
    await connection.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: planned.name, ...code.members }));
  }
  if (Object.keys(planned.tags).length > 0)
    await connection.lambda.send(new TagResourceCommand({ Resource: current.FunctionArn, Tags: planned.tags }));
}

async function reserve(connection: Connection, { name, reservedConcurrency }: PlannedFunction): Promise<void> {
  const command =
    reservedConcurrency === null
      ? new DeleteFunctionConcurrencyCommand({ FunctionName: name })
      : new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: reservedConcurrency });
  await connection.lambda.send(command as PutFunctionConcurrencyCommand);
}

async function provision(
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

interface PreparedCode {
  readonly members: CodeMembers;
  readonly sha256: string | null;
}

async function prepareCode(connection: Connection, planned: PlannedFunction, baseDir: string): Promise<PreparedCode> {
  const { code } = planned;
  if (code.kind === "object") return { members: { S3Bucket: code.bucket, S3Key: code.key }, sha256: null };
  const { primes } = planned;
  const zip =
    code.kind === "inline"
      ? await packageInline(code.text, String(planned.config["Runtime"]), primes)
      : await packageCode(baseDir, code.path, primes);
  const sha256 = digestOf(zip);
  if (zip.length <= REQUEST_ZIP_BYTES_MAX) return { members: { ZipFile: zip }, sha256 };
  const key = `${Buffer.from(sha256, "base64").toString("hex")}.zip`;
  await connection.thaw.call("putObject", { parameters: { bucket: "thaw-deployments", key }, body: zip });
  return { members: { S3Bucket: "thaw-deployments", S3Key: key }, sha256 };
}

async function publishVersion(
  connection: Connection,
  name: string,
  description: string | null,
  progress: Progress,
): Promise<string> {
  const published = await connection.lambda.send(
    new PublishVersionCommand({ FunctionName: name, ...(description === null ? {} : { Description: description }) }),
  );
  const version = published.Version ?? "";
  const startMs = performance.now();
  let nextMs = PROGRESS_EVERY_MS;
  progress(
    `${name}: version ${version}${published.SnapStart?.ApplyOn === "PublishedVersions" ? " is initialised for its snapshot" : ""}`,
  );
  for (;;) {
    const { State, StateReason, StateReasonCode, SnapStart } = await getConfiguration(connection, name, version);
    const elapsedMs = performance.now() - startMs;
    if (State === "Active") {
      progress(
        `${name}: version ${version} is Active after ${(elapsedMs / 1000).toFixed(1)} s (snapshot ${SnapStart?.OptimizationStatus ?? "Off"})`,
      );
      return version;
    }
    // Published before and idle since: nothing new to make.
    if (State === "Inactive") {
      progress(`${name}: version ${version} is Inactive (${StateReasonCode ?? ""}); an invoke initialises it again`);
      return version;
    }
    if (State === "Failed")
      throw new CommandError(
        `${name}: version ${version} Failed: ${StateReason ?? ""} (${StateReasonCode ?? ""}). See: ${PROGRAM} logs ${name}`,
      );
    if (elapsedMs > nextMs) {
      progress(`${name}: version ${version} is ${State} … ${(elapsedMs / 1000).toFixed(0)} s`);
      nextMs += PROGRESS_EVERY_MS;
    }
    await delay(POLL_MS);
  }
}

async function pointAlias(
  connection: Connection,
  functionName: string,
  name: string,
  version: string,
  progress: Progress,
): Promise<void> {
  const input = { FunctionName: functionName, Name: name, FunctionVersion: version };
  try {
    await connection.lambda.send(new UpdateAliasCommand(input));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await connection.lambda.send(new CreateAliasCommand(input));
  }
  progress(`${functionName}: alias ${name} → version ${version}`);
}

async function settle(connection: Connection, name: string): Promise<void> {
  for (;;) {
    const { State, LastUpdateStatus } = await getConfiguration(connection, name, undefined);
    if (State !== "Pending" && LastUpdateStatus !== "InProgress") return;
    await delay(POLL_MS);
  }
}

function getConfiguration(
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

async function find(connection: Connection, name: string): Promise<FunctionConfiguration | null> {
  try {
    return await getConfiguration(connection, name, undefined);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}
