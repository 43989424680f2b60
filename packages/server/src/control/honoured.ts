/**
 * The members of each operation's input that Thaw honours. Whatever else a request gives is refused with a sentence,
 * and never taken and ignored: a member that a newer model of AWS brings is refused until it is listed here.
 * `tests/control/honoured.test.ts` goes over the model, and sees each member that is listed be read.
 */
import type { OperationName } from "@thaw/aws-api";
import { invalidParameter } from "../model/api-error.ts";
import type { Call, Operations } from "./operations.ts";

const PAGE = ["Marker", "MaxItems"];
const QUALIFIED = ["FunctionName", "Qualifier"];
const ALIAS = ["FunctionName", "Name", "FunctionVersion", "Description", "RoutingConfig.AdditionalVersionWeights"];
const SIGNING = [
  "Description",
  "AllowedPublishers.SigningProfileVersionArns",
  "CodeSigningPolicies.UntrustedArtifactOnDeployment",
];
const CODE = ["ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri"];
const CORS = ["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"];
const URL = [...QUALIFIED, "AuthType", "InvokeMode", ...CORS.map((name) => `Cors.${name}`)];
const EVENT_CONFIG = [
  ...QUALIFIED,
  "MaximumRetryAttempts",
  "MaximumEventAgeInSeconds",
  "DestinationConfig.OnSuccess.Destination",
  "DestinationConfig.OnFailure.Destination",
];
const CONFIG = [
  "FunctionName",
  "Role",
  "Handler",
  "Description",
  "Timeout",
  "MemorySize",
  "Environment.Variables",
  "Runtime",
  "KMSKeyArn",
  "TracingConfig.Mode",
  "FileSystemConfigs.Arn",
  "FileSystemConfigs.LocalMountPath",
  "EphemeralStorage.Size",
  "SnapStart.ApplyOn",
  "LoggingConfig.LogFormat",
  "LoggingConfig.ApplicationLogLevel",
  "LoggingConfig.SystemLogLevel",
  "LoggingConfig.LogGroup",
  "Layers",
  "DeadLetterConfig.TargetArn",
  "VpcConfig.SubnetIds",
  "VpcConfig.SecurityGroupIds",
  "VpcConfig.Ipv6AllowedForDualStack",
  "ImageConfig.EntryPoint",
  "ImageConfig.Command",
  "ImageConfig.WorkingDirectory",
];
const LAYER_VERSION = ["LayerName", "VersionNumber"];
const KAFKA = [
  "ConsumerGroupId",
  "SchemaRegistryConfig.SchemaRegistryURI",
  "SchemaRegistryConfig.EventRecordFormat",
  "SchemaRegistryConfig.AccessConfigs.Type",
  "SchemaRegistryConfig.AccessConfigs.URI",
  "SchemaRegistryConfig.SchemaValidationConfigs.Attribute",
];
const EVENT_SOURCE = [
  "FunctionName",
  "Enabled",
  "BatchSize",
  "FilterCriteria.Filters.Pattern",
  "KMSKeyArn",
  "MetricsConfig.Metrics",
  "LoggingConfig.SystemLogLevel",
  "ScalingConfig.MaximumConcurrency",
  "MaximumBatchingWindowInSeconds",
  "ParallelizationFactor",
  "DestinationConfig.OnSuccess.Destination",
  "DestinationConfig.OnFailure.Destination",
  "MaximumRecordAgeInSeconds",
  "BisectBatchOnFunctionError",
  "MaximumRetryAttempts",
  "TumblingWindowInSeconds",
  "SourceAccessConfigurations.Type",
  "SourceAccessConfigurations.URI",
  "FunctionResponseTypes",
  ...KAFKA.map((name) => `AmazonManagedKafkaEventSourceConfig.${name}`),
  ...[...KAFKA, "ConsumptionMode"].map((name) => `SelfManagedKafkaEventSourceConfig.${name}`),
  "DocumentDBEventSourceConfig.DatabaseName",
  "DocumentDBEventSourceConfig.CollectionName",
  "DocumentDBEventSourceConfig.FullDocument",
  "ProvisionedPollerConfig.MinimumPollers",
  "ProvisionedPollerConfig.MaximumPollers",
  "ProvisionedPollerConfig.PollerGroupName",
];

export const HONOURED: { readonly [O in OperationName]?: readonly string[] } = {
  CreateFunction: [
    ...CONFIG,
    ...CODE.map((name) => `Code.${name}`),
    "Publish",
    "PackageType",
    "Tags",
    "Architectures",
    "CodeSigningConfigArn",
  ],
  GetFunction: QUALIFIED,
  GetFunctionConfiguration: QUALIFIED,
  ListFunctions: ["FunctionVersion", ...PAGE],
  UpdateFunctionCode: ["FunctionName", ...CODE, "Architectures", "Publish", "DryRun", "RevisionId"],
  UpdateFunctionConfiguration: [...CONFIG, "RevisionId"],
  DeleteFunction: QUALIFIED,
  PublishVersion: ["FunctionName", "CodeSha256", "Description", "RevisionId"],
  ListVersionsByFunction: ["FunctionName", ...PAGE],
  CreateAlias: ALIAS,
  UpdateAlias: [...ALIAS, "RevisionId"],
  GetAlias: ["FunctionName", "Name"],
  DeleteAlias: ["FunctionName", "Name"],
  ListAliases: ["FunctionName", "FunctionVersion", ...PAGE],
  TagResource: ["Resource", "Tags"],
  UntagResource: ["Resource", "TagKeys"],
  ListTags: ["Resource"],
  PutProvisionedConcurrencyConfig: [...QUALIFIED, "ProvisionedConcurrentExecutions"],
  GetProvisionedConcurrencyConfig: QUALIFIED,
  DeleteProvisionedConcurrencyConfig: QUALIFIED,
  ListProvisionedConcurrencyConfigs: ["FunctionName", ...PAGE],
  PutFunctionConcurrency: ["FunctionName", "ReservedConcurrentExecutions"],
  GetFunctionConcurrency: ["FunctionName"],
  DeleteFunctionConcurrency: ["FunctionName"],
  // The payload is the body itself (`Call.body`).
  Invoke: [...QUALIFIED, "InvocationType", "LogType", "ClientContext", "Payload"],
  InvokeAsync: ["FunctionName", "InvokeArgs"],
  InvokeWithResponseStream: [...QUALIFIED, "InvocationType", "LogType", "ClientContext", "Payload"],
  GetAccountSettings: [],
  PublishLayerVersion: [
    "LayerName",
    "Description",
    ...["ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode"].map((name) => `Content.${name}`),
    "CompatibleArchitectures",
    "CompatibleRuntimes",
    "LicenseInfo",
  ],
  ListLayers: ["CompatibleArchitecture", "CompatibleRuntime", ...PAGE],
  ListLayerVersions: ["CompatibleArchitecture", "CompatibleRuntime", "LayerName", ...PAGE],
  GetLayerVersion: LAYER_VERSION,
  GetLayerVersionByArn: ["Arn"],
  DeleteLayerVersion: LAYER_VERSION,
  AddLayerVersionPermission: [...LAYER_VERSION, "StatementId", "Action", "Principal", "OrganizationId", "RevisionId"],
  RemoveLayerVersionPermission: [...LAYER_VERSION, "StatementId", "RevisionId"],
  GetLayerVersionPolicy: LAYER_VERSION,
  CreateEventSourceMapping: [
    ...EVENT_SOURCE,
    "EventSourceArn",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Tags",
    "Topics",
    "Queues",
    "SelfManagedEventSource.Endpoints",
  ],
  UpdateEventSourceMapping: ["UUID", ...EVENT_SOURCE],
  ListEventSourceMappings: ["EventSourceArn", "FunctionName", ...PAGE],
  GetEventSourceMapping: ["UUID"],
  DeleteEventSourceMapping: ["UUID"],
  CreateCodeSigningConfig: [...SIGNING, "Tags"],
  UpdateCodeSigningConfig: ["CodeSigningConfigArn", ...SIGNING],
  ListCodeSigningConfigs: PAGE,
  GetCodeSigningConfig: ["CodeSigningConfigArn"],
  DeleteCodeSigningConfig: ["CodeSigningConfigArn"],
  ListFunctionsByCodeSigningConfig: ["CodeSigningConfigArn", ...PAGE],
  PutFunctionCodeSigningConfig: ["FunctionName", "CodeSigningConfigArn"],
  GetFunctionCodeSigningConfig: ["FunctionName"],
  DeleteFunctionCodeSigningConfig: ["FunctionName"],
  ListFunctionEventInvokeConfigs: ["FunctionName", ...PAGE],
  PutFunctionEventInvokeConfig: EVENT_CONFIG,
  UpdateFunctionEventInvokeConfig: EVENT_CONFIG,
  GetFunctionEventInvokeConfig: QUALIFIED,
  DeleteFunctionEventInvokeConfig: QUALIFIED,
  CreateFunctionUrlConfig: URL,
  UpdateFunctionUrlConfig: URL,
  ListFunctionUrlConfigs: ["FunctionName", ...PAGE],
  GetFunctionUrlConfig: QUALIFIED,
  DeleteFunctionUrlConfig: QUALIFIED,
  AddPermission: [
    ...QUALIFIED,
    "StatementId",
    "Action",
    "Principal",
    "SourceArn",
    "SourceAccount",
    "EventSourceToken",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "PrincipalOrgID",
    "RevisionId",
  ],
  GetPolicy: QUALIFIED,
  RemovePermission: [...QUALIFIED, "StatementId", "RevisionId"],
  PutRuntimeManagementConfig: [...QUALIFIED, "UpdateRuntimeOn", "RuntimeVersionArn"],
  GetRuntimeManagementConfig: QUALIFIED,
  GetFunctionRecursionConfig: ["FunctionName"],
  PutFunctionRecursionConfig: ["FunctionName", "RecursiveLoop"],
  ListCapacityProviders: ["State", ...PAGE],
};

/** Reasons that say more than that it is not there yet, by the member's path. */
const REASONS: Readonly<Record<string, string>> = {
  SourceKMSKeyArn: "Thaw keeps code in its data directory, and not under a key.",
  PublishTo: "There are no Lambda Managed Instances in Thaw.",
  RuntimeConfig: "Thaw runs each function on the newest installed release of its runtime.",
  MasterRegion: "There is no Lambda@Edge in Thaw.",
  TenantId: "There is no tenant isolation in Thaw yet.",
  DurableExecutionName: "There are no durable functions in Thaw yet.",
};

/** Operations that refuse what they don't honour, before they do anything. */
export function refusingOthers(operations: Operations): Operations {
  const checked = Object.entries(operations).map(([name, run]) => {
    const checkedRun = (input: unknown, call: Call): unknown => {
      checkMembers(name as OperationName, input);
      return (run as (input: unknown, call: Call) => unknown)(input, call);
    };
    return [name, checkedRun];
  });
  return Object.fromEntries(checked) as Operations;
}

/** Throws an InvalidParameterValueException where the input has a member that is not honoured. */
export function checkMembers(operation: OperationName, input: unknown): void {
  const refused = refusedMember(HONOURED[operation] ?? [], input);
  if (refused === null) return;
  const reason = REASONS[refused.slice(refused.lastIndexOf(".") + 1)];
  throw invalidParameter(
    reason === undefined
      ? `${refused} is not supported by Thaw yet. Leave it out.`
      : `${refused} is not supported: ${reason} Leave it out.`,
  );
}

/** The path of a member that is given and not honoured; null where there is none. */
function refusedMember(honoured: readonly string[], value: unknown, prefix = ""): string | null {
  if (Array.isArray(value)) return firstOf(value, (item) => refusedMember(honoured, item, prefix));
  if (!isStructure(value)) return null;
  return firstOf(Object.entries(value), ([name, member]) => {
    const path = `${prefix}${name}`;
    if (honoured.includes(path) || !isGiven(member)) return null;
    const isParent = honoured.some((each) => each.startsWith(`${path}.`));
    return isParent ? refusedMember(honoured, member, `${path}.`) : path;
  });
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}

function isStructure(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) && !(value instanceof Date);
}

/** False for what means "none" and so changes nothing: an empty text, list or structure, and `false`. */
function isGiven(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return isStructure(value) ? Object.values(value).some(isGiven) : true;
}
