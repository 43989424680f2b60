/** Records as the API shows them. */
import type { AliasConfiguration, FunctionCodeLocation, FunctionConfiguration, Runtime } from "@thaw/aws-api";
import { createHash } from "node:crypto";
import type { CodeInfo } from "../../model/code-info.ts";
import type { ImageStart } from "../../model/image.ts";
import { type AccountScope, functionArn } from "../../model/function-name.ts";
import {
  type AliasRecord,
  type FunctionConfig,
  isImage,
  LATEST,
  type VersionRecord,
} from "../../model/function-record.ts";

/** `2026-11-23T10:00:00.000+0000`. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "+0000");
}

export function runtimeVersionArn(scope: AccountScope, runtime: string): string {
  return `arn:aws:lambda:${scope.region}::runtime:${createHash("sha256").update(`thaw:${runtime}`).digest("hex")}`;
}

export interface PresentOptions {
  /** ARN with the qualifier, as on a version that was asked for by its number. */
  readonly qualifiedArn: boolean;
}

export function presentVersion(
  scope: AccountScope,
  record: VersionRecord,
  options: PresentOptions,
): FunctionConfiguration {
  const { config, code } = record;
  return {
    FunctionName: record.functionName,
    FunctionArn: functionArn(scope, record.functionName, options.qualifiedArn ? record.version : null),
    ...(isImage(config) ? {} : { Runtime: config.runtime as Runtime, Handler: config.handler }),
    Role: config.role,
    CodeSize: code.codeSizeBytes,
    Description: config.description,
    Timeout: config.timeoutS,
    MemorySize: config.memorySizeMib,
    LastModified: formatTimestamp(record.lastModifiedMs),
    CodeSha256: code.codeSha256,
    Version: record.version,
    ...(config.environment === null ? {} : { Environment: { Variables: config.environment } }),
    ...(config.kmsKeyArn === null ? {} : { KMSKeyArn: config.kmsKeyArn }),
    ...(config.deadLetterArn === undefined ? {} : { DeadLetterConfig: { TargetArn: config.deadLetterArn } }),
    TracingConfig: { Mode: config.tracingMode },
    RevisionId: record.revisionId,
    ...presentState(record),
    PackageType: isImage(config) ? "Image" : "Zip",
    ...(config.imageConfig === undefined ? {} : { ImageConfigResponse: presentImageConfig(config.imageConfig) }),
    Architectures: config.architectures as ReadonlyArray<"x86_64" | "arm64">,
    EphemeralStorage: { Size: config.tmpSizeMib },
    ...(config.fileSystems.length === 0
      ? {}
      : {
          FileSystemConfigs: config.fileSystems.map(({ arn, localMountPath }) => ({
            Arn: arn,
            LocalMountPath: localMountPath,
          })),
        }),
    ...(config.layers === undefined
      ? {}
      : { Layers: config.layers.map(({ arn, codeSizeBytes }) => ({ Arn: arn, CodeSize: codeSizeBytes })) }),
    SnapStart: {
      ApplyOn: config.snapStartApplyOn,
      OptimizationStatus:
        record.version !== LATEST && record.state === "Active" && record.snapshotId !== null ? "On" : "Off",
    },
    ...(isImage(config)
      ? {}
      : { RuntimeVersionConfig: { RuntimeVersionArn: runtimeVersionArn(scope, config.runtime) } }),
    LoggingConfig: presentLogging(record),
    ...(config.vpc === undefined ? {} : { VpcConfig: presentVpc(config.vpc) }),
  };
}

/** Recorded …TestLambdaImages.test_lambda_image_and_image_config_crud. */
function presentImageConfig(own: ImageStart): NonNullable<FunctionConfiguration["ImageConfigResponse"]> {
  const { entryPoint, command, workingDirectory } = own;
  return {
    ImageConfig: {
      ...(entryPoint === null ? {} : { EntryPoint: entryPoint }),
      ...(command === null ? {} : { Command: command }),
      ...(workingDirectory === null ? {} : { WorkingDirectory: workingDirectory }),
    },
  };
}

/** Where the code is: a package behind a link that is signed on its way out, an image by its names. */
export function presentCode({ codeName, image }: CodeInfo): FunctionCodeLocation {
  return image === undefined
    ? { RepositoryType: "S3", Location: `/_thaw/v1/code/${codeName}` }
    : { RepositoryType: "ECR", ImageUri: image.uri, ResolvedImageUri: image.resolvedUri };
}

/** AWS knows the network of a subnet; here its id is made of the subnets' ids, the same for the same subnets. */
function presentVpc(vpc: NonNullable<FunctionConfig["vpc"]>): NonNullable<FunctionConfiguration["VpcConfig"]> {
  const { subnetIds, securityGroupIds, ipv6 } = vpc;
  const id = createHash("sha256").update(JSON.stringify(subnetIds.toSorted())).digest("hex").slice(0, 17);
  return {
    SubnetIds: subnetIds,
    SecurityGroupIds: securityGroupIds,
    VpcId: subnetIds.length === 0 ? "" : `vpc-${id}`,
    Ipv6AllowedForDualStack: ipv6,
  };
}

/**
 * Shows a version as the List operations do: a subset, without the states (recorded
 * …TestLambdaFunction.test_list_functions).
 */
export function presentListedVersion(
  scope: AccountScope,
  record: VersionRecord,
  options: PresentOptions,
): FunctionConfiguration {
  const {
    State: _state,
    StateReason: _stateReason,
    StateReasonCode: _stateReasonCode,
    LastUpdateStatus: _lastUpdateStatus,
    LastUpdateStatusReason: _lastUpdateStatusReason,
    LastUpdateStatusReasonCode: _lastUpdateStatusReasonCode,
    RuntimeVersionConfig: _runtimeVersionConfig,
    ...listed
  } = presentVersion(scope, record, options);
  return listed;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function presentState(record: VersionRecord): Partial<FunctionConfiguration> {
  const shown: Mutable<Partial<FunctionConfiguration>> = { State: record.state };
  if (record.stateReason !== null) shown.StateReason = record.stateReason;
  if (record.stateReasonCode !== null)
    shown.StateReasonCode = record.stateReasonCode as NonNullable<FunctionConfiguration["StateReasonCode"]>;
  if (record.lastUpdateStatus !== null) shown.LastUpdateStatus = record.lastUpdateStatus;
  if (record.lastUpdateStatusReason !== null) shown.LastUpdateStatusReason = record.lastUpdateStatusReason;
  if (record.lastUpdateStatusReasonCode !== null) {
    shown.LastUpdateStatusReasonCode = record.lastUpdateStatusReasonCode as NonNullable<
      FunctionConfiguration["LastUpdateStatusReasonCode"]
    >;
  }
  return shown;
}

function presentLogging(record: VersionRecord): NonNullable<FunctionConfiguration["LoggingConfig"]> {
  const { logFormat, logGroup, applicationLogLevel, systemLogLevel } = record.config;
  return {
    LogFormat: logFormat,
    ...(applicationLogLevel === null ? {} : { ApplicationLogLevel: applicationLogLevel as "INFO" }),
    ...(systemLogLevel === null ? {} : { SystemLogLevel: systemLogLevel as "INFO" }),
    LogGroup: logGroup,
  };
}

export function presentAlias(scope: AccountScope, alias: AliasRecord): AliasConfiguration {
  return {
    AliasArn: functionArn(scope, alias.functionName, alias.name),
    Name: alias.name,
    FunctionVersion: alias.functionVersion,
    Description: alias.description,
    ...(Object.keys(alias.weights).length === 0 ? {} : { RoutingConfig: { AdditionalVersionWeights: alias.weights } }),
    RevisionId: alias.revisionId,
  };
}
