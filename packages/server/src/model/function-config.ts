/** The configuration of a function out of a request: defaults, limits and the combinations that AWS refuses. */
import { type CreateFunctionRequest, type UpdateFunctionConfigurationRequest } from "@thaw/aws-api";
import { ApiError, invalidParameter } from "./api-error.ts";
import { type FunctionConfig, isImage } from "./function-record.ts";
import { IMAGE_RUNTIME, type ImageStart, readImageConfig } from "./image.ts";
import type { FunctionLayer } from "./layer-record.ts";
import { defaultLogGroup } from "./log-group.ts";

/** AWS's managed zip runtimes with SnapStart (snapstart-behaviour.md 1.5). */
const SNAPSTART_RUNTIMES = new Set([
  "java11",
  "java17",
  "java21",
  "java25",
  "python3.12",
  "python3.13",
  "python3.14",
  "dotnet8",
  "dotnet10",
]);
/** In AWS's order, which is none. */
const SUPPORTED_RUNTIMES = [
  "nodejs20.x",
  "python3.14",
  "provided.al2023",
  "python3.12",
  "python3.13",
  "nodejs24.x",
  "nodejs22.x",
  "java25",
  "python3.10",
  "python3.11",
  "java21",
  "ruby3.3",
  "ruby3.4",
  "ruby3.2",
  "python3.8",
  "python3.9",
  "java17",
  "nodejs16.x",
  "dotnet10",
  "dotnet8",
  "java11",
  "dotnet6",
  "nodejs18.x",
  "provided.al2",
  "java8.al2",
];
/** Those of the model that AWS has taken since that text was recorded. */
const NEWER_RUNTIMES = new Set([
  "nodejs26.x",
  "python3.15",
  "ruby4.0",
  "java8.al2023",
  "java11.al2023",
  "java17.al2023",
]);
const MEMORY_SIZE_MIB_MAX = 10_240;
const TMP_SIZE_MIB_MAX = 10_240;
const TIMEOUT_S_MAX = 900;
const ENVIRONMENT_SIZE_BYTES_MAX = 4096;
/** Longest part of the variables in a refusal: AWS shows all of them. */
const SHOWN_LENGTH_MAX = 65_536;
const SNAPSTART_TMP_SIZE_MIB_MAX = 512;
const MOUNT_PATH = /^\/mnt\/[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
const VARIABLE_NAME = /^[a-zA-Z]([a-zA-Z0-9_])+$/;
/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const RESERVED_VARIABLES = new Set([
  "_HANDLER",
  "_X_AMZN_TRACE_ID",
  "AWS_DEFAULT_REGION",
  "AWS_REGION",
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
  "AWS_LAMBDA_FUNCTION_VERSION",
  "AWS_LAMBDA_INITIALIZATION_TYPE",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "AWS_LAMBDA_METADATA_API",
  "AWS_LAMBDA_METADATA_TOKEN",
  "LAMBDA_TASK_ROOT",
  "LAMBDA_RUNTIME_DIR",
]);

type ConfigRequest = Partial<CreateFunctionRequest> & Partial<UpdateFunctionConfigurationRequest>;

export interface ConfigRules {
  readonly parity: "extended" | "strict";
  /** ARNs of the access points that are mapped to directories of this host. */
  readonly accessPoints: ReadonlySet<string>;
  /** The layers that the request names; null where it names none and leaves them as they are. */
  readonly layers: readonly FunctionLayer[] | null;
}

/** `name`: the function's, without the ARN that the request may have given. */
export function createConfig(name: string, request: CreateFunctionRequest, rules: ConfigRules): FunctionConfig {
  const base: FunctionConfig = {
    ...createKind(request),
    role: request.Role,
    description: "",
    timeoutS: 3,
    memorySizeMib: 128,
    environment: null,
    kmsKeyArn: null,
    tracingMode: "PassThrough",
    architectures: request.Architectures ?? ["x86_64"],
    tmpSizeMib: 512,
    fileSystems: [],
    snapStartApplyOn: "None",
    logFormat: "Text",
    logGroup: defaultLogGroup(name),
    applicationLogLevel: null,
    systemLogLevel: null,
  };
  return changeConfig(base, request, rules);
}

/** Reads what tells packages and images apart. */
function createKind(request: CreateFunctionRequest): Pick<FunctionConfig, "runtime" | "handler"> {
  const { PackageType, Code, Runtime: runtime, Handler: handler } = request;
  if (PackageType === "Image") {
    if (Code.ImageUri === undefined)
      throw invalidParameter("Please provide ImageUri when the intended function PackageType is Image.");
    return { runtime: IMAGE_RUNTIME, handler: "" };
  }
  if (Code.ImageUri !== undefined)
    throw invalidParameter("Please don't provide ImageUri when the intended function PackageType is Zip.");
  if (runtime === undefined)
    throw invalidParameter("Runtime is mandatory for functions created with deployment packages.");
  if (handler === undefined)
    throw invalidParameter("Handler is mandatory for functions created with deployment packages.");
  return { runtime, handler };
}

/** What only one of the two kinds has. */
function checkKind(current: FunctionConfig, request: ConfigRequest): void {
  if (!isImage(current)) {
    if (request.ImageConfig !== undefined && readImageConfig(request.ImageConfig) !== null)
      throw invalidParameter("Please don't provide ImageConfig for a function with packageType Zip.");
    return;
  }
  const given = [
    ["Runtime", request.Runtime !== undefined],
    ["Handler", request.Handler !== undefined],
    ["Layers", (request.Layers ?? []).length > 0],
  ] as const;
  const wrong = given.filter(([, isGiven]) => isGiven).map(([name]) => name);
  if (wrong.length > 0)
    throw invalidParameter(
      `Please don't provide ${wrong.join(" or ")} for a function with packageType Image: the image brings them.`,
    );
}

/** A given one takes the place of the whole one before it, and an empty one takes it away. */
function changeImageConfig({ imageConfig }: FunctionConfig, given: ConfigRequest["ImageConfig"]): ImageStart | null {
  return given === undefined ? (imageConfig ?? null) : readImageConfig(given);
}

export function changeConfig(current: FunctionConfig, request: ConfigRequest, rules: ConfigRules): FunctionConfig {
  const logging = changeLogging(current, request);
  checkKind(current, request);
  const { layers: before, imageConfig: _imageConfig, ...others } = current;
  const layers = rules.layers ?? before ?? [];
  const imageConfig = changeImageConfig(current, request.ImageConfig);
  const changed: FunctionConfig = {
    ...others,
    ...(layers.length === 0 ? {} : { layers }),
    ...(imageConfig === null ? {} : { imageConfig }),
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
    fileSystems:
      request.FileSystemConfigs?.map(({ Arn, LocalMountPath }) => ({ arn: Arn, localMountPath: LocalMountPath })) ??
      current.fileSystems,
    snapStartApplyOn: request.SnapStart?.ApplyOn ?? current.snapStartApplyOn,
    ...logging,
    ...changeVpc(current, request),
  };
  checkConfig(changed, rules);
  return withDeadLetters(changed, request.DeadLetterConfig);
}

/** An empty ARN takes the queue away. */
function withDeadLetters(config: FunctionConfig, given: ConfigRequest["DeadLetterConfig"]): FunctionConfig {
  if (given?.TargetArn === undefined) return config;
  const { deadLetterArn: _, ...without } = config;
  return given.TargetArn === "" ? without : { ...without, deadLetterArn: given.TargetArn };
}

/** Two empty lists take a function out of its network; AWS's text for half of it. */
function changeVpc({ vpc }: FunctionConfig, { VpcConfig: asked }: ConfigRequest): Pick<FunctionConfig, "vpc"> {
  if (asked === undefined) return vpc === undefined ? {} : { vpc };
  const subnetIds = asked.SubnetIds ?? vpc?.subnetIds ?? [];
  const securityGroupIds = asked.SecurityGroupIds ?? vpc?.securityGroupIds ?? [];
  if ((subnetIds.length === 0) !== (securityGroupIds.length === 0))
    throw invalidParameter("SubnetIds and SecurityIds must coexist or be both empty list.");
  return { vpc: { subnetIds, securityGroupIds, ipv6: asked.Ipv6AllowedForDualStack ?? vpc?.ipv6 ?? false } };
}

type Logging = Pick<FunctionConfig, "logFormat" | "logGroup" | "applicationLogLevel" | "systemLogLevel">;

/** Reads the logging settings. Levels go with JSON only, where they are INFO unless told otherwise. */
function changeLogging(current: FunctionConfig, request: ConfigRequest): Logging {
  const asked = request.LoggingConfig ?? {};
  const logFormat = asked.LogFormat ?? current.logFormat;
  const logGroup = asked.LogGroup ?? current.logGroup;
  if (logFormat === "JSON") {
    return {
      logFormat,
      logGroup,
      applicationLogLevel: asked.ApplicationLogLevel ?? current.applicationLogLevel ?? "INFO",
      systemLogLevel: asked.SystemLogLevel ?? current.systemLogLevel ?? "INFO",
    };
  }
  if (asked.ApplicationLogLevel !== undefined || asked.SystemLogLevel !== undefined) {
    throw invalidParameter(
      'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.',
    );
  }
  return { logFormat, logGroup, applicationLogLevel: null, systemLogLevel: null };
}

function checkConfig(config: FunctionConfig, rules: ConfigRules): void {
  if (config.memorySizeMib > MEMORY_SIZE_MIB_MAX) {
    throw invalidParameter(
      `'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to ${MEMORY_SIZE_MIB_MAX}`,
    );
  }
  if (config.timeoutS > TIMEOUT_S_MAX)
    throw invalidParameter(
      `'Timeout' value failed to satisfy constraint: Member must have value less than or equal to ${TIMEOUT_S_MAX}`,
    );
  // The model's own limit is higher than what AWS gives.
  if (config.tmpSizeMib > TMP_SIZE_MIB_MAX) {
    const text = `1 validation error detected: Value '${config.tmpSizeMib}' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value less than or equal to ${TMP_SIZE_MIB_MAX}`;
    throw new ApiError("ValidationException", text);
  }
  if (config.architectures.length !== 1) throw invalidParameter("Exactly one architecture is expected.");
  if (config.architectures[0] !== "x86_64")
    throw invalidParameter(`The architecture ${config.architectures[0]} can't be run on this host, which is x86_64.`);
  checkEnvironment(config.environment ?? {});
  if (!isImage(config)) checkRuntime(config.runtime);
  for (const { arn, localMountPath } of config.fileSystems) {
    if (!rules.accessPoints.has(arn))
      throw invalidParameter(
        `The access point ${arn} is not mapped on this host. Start the server with --file-system ARN=DIR.`,
      );
    if (!MOUNT_PATH.test(localMountPath))
      throw invalidParameter(
        `The mount path ${localMountPath} must be /mnt/ and a name that starts with a letter or a digit.`,
      );
  }
  if (config.snapStartApplyOn === "PublishedVersions") checkSnapStart(config, rules);
}

/**
 * The service says this, not the front end that checks the model (recorded
 * …TestLambdaFunction.test_update_lambda_exceptions); also of runtimes that the model has and AWS no longer takes.
 */
function checkRuntime(runtime: string): void {
  if (SUPPORTED_RUNTIMES.includes(runtime) || NEWER_RUNTIMES.has(runtime)) return;
  throw invalidParameter(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${SUPPORTED_RUNTIMES.join(", ")}] or be a valid ARN`,
  );
}

function checkSnapStart(config: FunctionConfig, rules: ConfigRules): void {
  // An open file there could not be in a snapshot that others share.
  if (config.fileSystems.length > 0)
    throw invalidParameter("FileSystemConfigs is not supported for SnapStart enabled functions.");
  if (rules.parity !== "strict") return;
  if (!isImage(config) && !SNAPSTART_RUNTIMES.has(config.runtime))
    throw invalidParameter(`${config.runtime} is not supported for SnapStart enabled functions.`);
  if (config.tmpSizeMib > SNAPSTART_TMP_SIZE_MIB_MAX)
    throw invalidParameter("EphemeralStorage larger than 512 MB is not supported for SnapStart enabled functions.");
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
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${shown.slice(0, SHOWN_LENGTH_MAX)}`,
    );
  }
}
