/** The configuration of a function out of a request: defaults, limits and the combinations that AWS refuses. */
import type { CreateFunctionRequest, UpdateFunctionConfigurationRequest } from "@thaw/lambda-api";
import { ApiError, invalidParameter } from "./api-error.ts";
import type { FunctionConfig } from "./function-record.ts";

/** AWS's managed zip runtimes with SnapStart (snapstart-behaviour.md 1.5). */
const SNAPSTART_RUNTIMES = new Set(["java11", "java17", "java21", "java25", "python3.12", "python3.13", "python3.14", "dotnet8", "dotnet10"]);
const MEMORY_SIZE_MIB_MAX = 10_240;
const TIMEOUT_S_MAX = 900;
const ENVIRONMENT_SIZE_BYTES_MAX = 4096;
const SNAPSTART_TMP_SIZE_MIB_MAX = 512;
const VARIABLE_NAME = /^[a-zA-Z]([a-zA-Z0-9_])+$/;
/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const RESERVED_VARIABLES = new Set([
  "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
  "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
]);

type ConfigRequest = Partial<CreateFunctionRequest> & Partial<UpdateFunctionConfigurationRequest>;

/** What AWS has and Thaw has not yet: refused by name, never dropped. */
const NOT_YET = ["VpcConfig", "FileSystemConfigs", "Layers", "DeadLetterConfig", "ImageConfig", "TenancyConfig", "CapacityProviderConfig", "CodeSigningConfigArn", "DurableConfig", "AcceleratorConfig"] as const;

export interface ConfigRules {
  readonly parity: "extended" | "strict";
  /** Null where the runtime can be run here. */
  runtimeProblem(runtime: string): string | null;
}

export function createConfig(request: CreateFunctionRequest, rules: ConfigRules): FunctionConfig {
  if (request.PackageType === "Image" || request.Code.ImageUri !== undefined) throw notYet("PackageType Image");
  if (request.Runtime === undefined) throw invalidParameter("Runtime is mandatory for functions created with deployment packages.");
  if (request.Handler === undefined) throw invalidParameter("Handler is mandatory for functions created with deployment packages.");
  const base: FunctionConfig = {
    runtime: request.Runtime,
    role: request.Role,
    handler: request.Handler,
    description: "",
    timeoutS: 3,
    memorySizeMib: 128,
    environment: null,
    kmsKeyArn: null,
    tracingMode: "PassThrough",
    architectures: request.Architectures ?? ["x86_64"],
    tmpSizeMib: 512,
    snapStartApplyOn: "None",
    logFormat: "Text",
    logGroup: `/aws/lambda/${request.FunctionName}`,
    applicationLogLevel: null,
    systemLogLevel: null,
  };
  return changeConfig(base, request, rules);
}

export function changeConfig(current: FunctionConfig, request: ConfigRequest, rules: ConfigRules): FunctionConfig {
  for (const name of NOT_YET) if (isGiven(request[name])) throw notYet(name);
  const logging = request.LoggingConfig;
  const changed: FunctionConfig = {
    ...current,
    runtime: request.Runtime ?? current.runtime,
    role: request.Role ?? current.role,
    handler: request.Handler ?? current.handler,
    description: request.Description ?? current.description,
    timeoutS: request.Timeout ?? current.timeoutS,
    memorySizeMib: request.MemorySize ?? current.memorySizeMib,
    environment: request.Environment === undefined ? current.environment : (request.Environment.Variables ?? {}),
    // An empty one takes the key away.
    kmsKeyArn: request.KMSKeyArn === undefined ? current.kmsKeyArn : request.KMSKeyArn || null,
    tracingMode: request.TracingConfig?.Mode ?? current.tracingMode,
    tmpSizeMib: request.EphemeralStorage?.Size ?? current.tmpSizeMib,
    snapStartApplyOn: request.SnapStart?.ApplyOn ?? current.snapStartApplyOn,
    logFormat: logging?.LogFormat ?? current.logFormat,
    logGroup: logging?.LogGroup ?? current.logGroup,
    applicationLogLevel: logging?.ApplicationLogLevel ?? (logging?.LogFormat === "JSON" ? "INFO" : current.applicationLogLevel),
    systemLogLevel: logging?.SystemLogLevel ?? (logging?.LogFormat === "JSON" ? "INFO" : current.systemLogLevel),
  };
  checkConfig(changed, rules);
  return changed;
}

function checkConfig(config: FunctionConfig, rules: ConfigRules): void {
  if (config.memorySizeMib > MEMORY_SIZE_MIB_MAX) {
    throw invalidParameter(`'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to ${MEMORY_SIZE_MIB_MAX}`);
  }
  if (config.timeoutS > TIMEOUT_S_MAX) throw invalidParameter(`'Timeout' value failed to satisfy constraint: Member must have value less than or equal to ${TIMEOUT_S_MAX}`);
  if (config.architectures.length !== 1) throw invalidParameter("Exactly one architecture is expected.");
  if (config.architectures[0] !== "x86_64") throw invalidParameter(`The architecture ${config.architectures[0]} can't be run on this host, which is x86_64.`);
  checkEnvironment(config.environment ?? {});
  const problem = rules.runtimeProblem(config.runtime);
  if (problem !== null) throw invalidParameter(problem);
  if (config.snapStartApplyOn === "PublishedVersions") checkSnapStart(config, rules);
}

function checkSnapStart(config: FunctionConfig, rules: ConfigRules): void {
  if (rules.parity !== "strict") return;
  if (!SNAPSTART_RUNTIMES.has(config.runtime)) throw invalidParameter(`${config.runtime} is not supported for SnapStart enabled functions.`);
  if (config.tmpSizeMib > SNAPSTART_TMP_SIZE_MIB_MAX) throw invalidParameter("EphemeralStorage larger than 512 MB is not supported for SnapStart enabled functions.");
}

function checkEnvironment(variables: Readonly<Record<string, string>>): void {
  const names = Object.keys(variables);
  const reserved = names.filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0) {
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(", ")}`,
    );
  }
  const bad = names.find((name) => !VARIABLE_NAME.test(name) || (variables[name] ?? "").includes("\0"));
  if (bad !== undefined) throw invalidParameter(`The environment variable '${bad}' is not valid.`);
  const shown = JSON.stringify(variables);
  if (Buffer.byteLength(shown) > ENVIRONMENT_SIZE_BYTES_MAX) {
    throw invalidParameter(`Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${shown.slice(0, 200)}`);
  }
}

/** Empty lists and structures mean "none", which is what there is. */
function isGiven(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object") return Object.values(value).some(isGiven);
  return true;
}

function notYet(what: string): ApiError {
  return invalidParameter(`${what} is not supported by Thaw yet.`);
}
