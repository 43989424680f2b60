/** Creates or updates one function as a plan says. */
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionConcurrencyCommand,
  type FunctionConfiguration,
  PutFunctionConcurrencyCommand,
  PutFunctionRecursionConfigCommand,
  type RecursiveLoop,
  ResourceNotFoundException,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from "@aws-sdk/client-lambda";
import { setTimeout as delay } from "node:timers/promises";
import type { PlannedFunction } from "@thaw/template/planned";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import type { Connection } from "../connection.ts";
import { packageCode, packageInline } from "./package-code.ts";
import { imageCode, objectCode, type PreparedCode, sendZip } from "./send-code.ts";
import { getConfiguration, pointAlias, POLL_MS, type Progress, provision, publishVersion } from "./publish.ts";

export interface Deployed {
  readonly functionName: string;
  readonly version: string | null;
  readonly alias: string | null;
  readonly optimization: string | null;
}

export interface FunctionJob {
  readonly planned: PlannedFunction;
  /** Directory that paths of code start from. */
  readonly baseDir: string;
  /** Tags of an earlier deployment that the template no longer has. */
  readonly tagsGone: readonly string[];
  readonly progress: Progress;
}

const DEFAULT_ROLE = "arn:aws:iam::000000000000:role/thaw";

export async function applyFunction(connection: Connection, job: FunctionJob): Promise<Deployed> {
  const { planned, baseDir, progress } = job;
  const code = await prepareCode(connection, planned, baseDir);
  const current = await find(connection, planned.name);
  if (current === null) await create(connection, planned, code, progress);
  else await update(connection, job, current, code);
  await settle(connection, planned.name);
  await reserve(connection, planned);
  if (current !== null || planned.recursiveLoop !== null) await setLoops(connection, planned);
  return publish(connection, planned, progress);
}

async function create(
  connection: Connection,
  planned: PlannedFunction,
  code: PreparedCode,
  progress: Progress,
): Promise<void> {
  progress(`${planned.name}: create`);
  const input = {
    Role: DEFAULT_ROLE,
    ...planned.config,
    FunctionName: planned.name,
    Code: code.members,
    Tags: planned.tags,
  };
  await connection.lambda.send(new CreateFunctionCommand(input as CreateFunctionCommandInput));
}

async function update(
  connection: Connection,
  { planned, tagsGone, progress }: FunctionJob,
  current: FunctionConfiguration,
  code: PreparedCode,
): Promise<void> {
  progress(`${planned.name}: update`);
  const { Architectures: _architectures, PackageType: _packageType, ...config } = planned.config;
  const input = { ...defaultsOf(planned), ...config, LoggingConfig: loggingOf(planned), FunctionName: planned.name };
  await connection.lambda.send(
    new UpdateFunctionConfigurationCommand(input as UpdateFunctionConfigurationCommandInput),
  );
  await settle(connection, planned.name);
  if (code.sha256 === null || code.sha256 !== current.CodeSha256)
    await connection.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: planned.name, ...code.members }));
  if (tagsGone.length > 0)
    await connection.lambda.send(new UntagResourceCommand({ Resource: current.FunctionArn, TagKeys: [...tagsGone] }));
  if (Object.keys(planned.tags).length > 0)
    await connection.lambda.send(new TagResourceCommand({ Resource: current.FunctionArn, Tags: planned.tags }));
}

/** A setting that the template leaves out goes back to its default, as with CloudFormation. */
function defaultsOf({ config }: PlannedFunction): TemplateMap {
  return {
    Role: DEFAULT_ROLE,
    Timeout: 3,
    MemorySize: 128,
    Description: "",
    Environment: { Variables: {} },
    SnapStart: { ApplyOn: "None" },
    EphemeralStorage: { Size: 512 },
    FileSystemConfigs: [],
    Layers: [],
    KMSKeyArn: "",
    DeadLetterConfig: { TargetArn: "" },
    TracingConfig: { Mode: "PassThrough" },
    ...(config["Handler"] === undefined ? {} : { Handler: config["Handler"] }),
    ...(config["PackageType"] === "Image" ? { ImageConfig: {} } : {}),
  };
}

function loggingOf({ name, config }: PlannedFunction): TemplateMap {
  const given = isTemplateMap(config["LoggingConfig"]) ? config["LoggingConfig"] : {};
  const levels = given["LogFormat"] === "JSON" ? { ApplicationLogLevel: "INFO", SystemLogLevel: "INFO" } : {};
  return { LogFormat: "Text", LogGroup: `/aws/lambda/${name}`, ...levels, ...given };
}

async function publish(connection: Connection, planned: PlannedFunction, progress: Progress): Promise<Deployed> {
  const { name, autoPublishAlias: alias, versionDescription: description } = planned;
  if (alias === null) return { functionName: name, version: null, alias: null, optimization: null };
  const version = await publishVersion(connection, { functionName: name, description, codeSha256: null }, progress);
  await pointAlias(connection, { functionName: name, name: alias, version, description: "", weights: {} }, progress);
  await provision(connection, name, alias, planned.provisionedConcurrency, progress);
  const { SnapStart } = await getConfiguration(connection, name, version);
  return { functionName: name, version, alias, optimization: SnapStart?.OptimizationStatus ?? null };
}

async function reserve(connection: Connection, { name, reservedConcurrency }: PlannedFunction): Promise<void> {
  const command =
    reservedConcurrency === null
      ? new DeleteFunctionConcurrencyCommand({ FunctionName: name })
      : new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: reservedConcurrency });
  await connection.lambda.send(command as PutFunctionConcurrencyCommand);
}

async function setLoops(connection: Connection, { name, recursiveLoop }: PlannedFunction): Promise<void> {
  const RecursiveLoop = (recursiveLoop ?? "Terminate") as RecursiveLoop;
  await connection.lambda.send(new PutFunctionRecursionConfigCommand({ FunctionName: name, RecursiveLoop }));
}

async function prepareCode(connection: Connection, planned: PlannedFunction, baseDir: string): Promise<PreparedCode> {
  const { code, primes } = planned;
  if (code.kind === "object") return objectCode(code);
  if (code.kind === "image") return imageCode(code.uri);
  const zip =
    code.kind === "inline"
      ? await packageInline(code.text, String(planned.config["Runtime"]), primes)
      : await packageCode(baseDir, code.path, primes);
  return sendZip(connection, zip);
}

async function settle(connection: Connection, name: string): Promise<void> {
  for (;;) {
    const { State, LastUpdateStatus } = await getConfiguration(connection, name, undefined);
    if (State !== "Pending" && LastUpdateStatus !== "InProgress") return;
    await delay(POLL_MS);
  }
}

async function find(connection: Connection, name: string): Promise<FunctionConfiguration | null> {
  try {
    return await getConfiguration(connection, name, undefined);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}
