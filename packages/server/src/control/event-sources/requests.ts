/** What a request says of an event source mapping: checked in AWS's order and words, and what is kept of it. */
import { isMap } from "@thaw/installation/json-map";
import { type ApiError, invalidParameter } from "../../model/api-error.ts";
import { isEventPattern } from "../../model/event-pattern.ts";
import type { EventSourceConfig, EventSourceRecord } from "../../model/event-source-record.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { versionOfQualifier } from "../records/lookup.ts";
import type { In } from "../operations.ts";
import type { ControlParts } from "../services.ts";
import { kindOf, type SourceKind } from "./source-kinds.ts";

type Create = In<"CreateEventSourceMapping">;
type Change = Create | In<"UpdateEventSourceMapping">;
type Member = keyof Create & keyof EventSourceConfig;

/** Batches up to this size need no window. */
const BATCH_WITHOUT_WINDOW_MAX = 10;
/** AWS's quota, where it was raised. */
const FILTERS_MAX = 10;
const AGE_S_MIN = 60;
/** Of all kinds; FunctionName, Enabled and Tags are kept beside the configuration. */
const OF_ALL: readonly Member[] = [
  "BatchSize",
  "FilterCriteria",
  "KMSKeyArn",
  "MaximumBatchingWindowInSeconds",
  "MetricsConfig",
];
/** Refused where a kind has not got them. */
const OF_SOME: readonly Member[] = [
  "ScalingConfig",
  "LoggingConfig",
  "ParallelizationFactor",
  "DestinationConfig",
  "MaximumRecordAgeInSeconds",
  "BisectBatchOnFunctionError",
  "MaximumRetryAttempts",
  "TumblingWindowInSeconds",
  "Topics",
  "Queues",
  "SourceAccessConfigurations",
  "SelfManagedEventSource",
  "FunctionResponseTypes",
  "AmazonManagedKafkaEventSourceConfig",
  "SelfManagedKafkaEventSourceConfig",
  "DocumentDBEventSourceConfig",
  "ProvisionedPollerConfig",
  "StartingPosition",
];
/** Shown even where they are empty. */
const ALWAYS_SHOWN: ReadonlySet<string> = new Set(["DestinationConfig", "FunctionResponseTypes"]);

/** What the mapping is to read. Throws an InvalidParameterValueException where nothing says it. */
export function checkSource(input: Create): SourceKind {
  const isSelfManaged = input.SelfManagedEventSource !== undefined;
  if (input.DestinationConfig?.OnSuccess?.Destination !== undefined) throw unsupported("DestinationConfig");
  if (isSelfManaged && input.SourceAccessConfigurations === undefined)
    throw invalidParameter("Required 'sourceAccessConfigurations' parameter is missing.");
  const kind = kindOf(input.EventSourceArn, isSelfManaged);
  if (kind === null) throw invalidParameter("Unrecognized event source.");
  if (isSelfManaged && input.EventSourceArn !== undefined)
    throw invalidParameter("EventSourceArn and SelfManagedEventSource can't be given together: leave one of them out.");
  checkPosition(kind, input);
  return kind;
}

function checkPosition(
  kind: SourceKind,
  { StartingPosition: position, StartingPositionTimestamp: time, EventSourceArn: arn }: Create,
): void {
  if (!kind.needsPosition) {
    if (position === undefined && time === undefined) return;
    throw invalidParameter(`StartingPosition is not valid for ${kind.name} event sources.`);
  }
  if (position === undefined)
    throw invalidParameter(
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
    );
  if (position === "AT_TIMESTAMP" && !kind.members.has("StartingPositionTimestamp"))
    throw invalidParameter(`Unsupported starting position for arn type: ${arn}`);
  if (position === "AT_TIMESTAMP" && time === undefined)
    throw invalidParameter("StartingPositionTimestamp is missing: StartingPosition AT_TIMESTAMP needs it.");
  if (position !== "AT_TIMESTAMP" && time !== undefined)
    throw invalidParameter("StartingPositionTimestamp is only for StartingPosition AT_TIMESTAMP: leave it out.");
}

/** Throws an InvalidParameterValueException where the source's kind can't have what is given. */
export function checkMembers(kind: SourceKind, input: Change, before: EventSourceConfig = {}): void {
  for (const member of OF_SOME)
    if (isGiven(memberOf(input, member)) && !kind.members.has(member)) throw unsupported(member);
  if (input.DestinationConfig?.OnSuccess?.Destination !== undefined) throw unsupported("DestinationConfig");
  checkSizes(kind, { ...before, ...input });
  const filters = input.FilterCriteria?.Filters ?? [];
  if (filters.length > FILTERS_MAX)
    throw invalidParameter(`A mapping has ${FILTERS_MAX} filters at most: ${filters.length} are given.`);
  if (!filters.every(({ Pattern }) => Pattern !== undefined && isEventPattern(Pattern)))
    throw invalidParameter("Invalid filter pattern definition.");
}

function checkSizes(kind: SourceKind, merged: EventSourceConfig): void {
  const { BatchSize: size = 0, MaximumBatchingWindowInSeconds: window = 0, MaximumRecordAgeInSeconds: age } = merged;
  if (merged.EventSourceArn?.endsWith(".fifo") === true && window > 0)
    throw invalidParameter("Batching window is not supported for FIFO queues.");
  if (kind.name === "SQS" && size > BATCH_WITHOUT_WINDOW_MAX && window === 0)
    throw invalidParameter(
      "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    );
  if (age !== undefined && age !== -1 && age < AGE_S_MIN)
    throw invalidParameter(`MaximumRecordAgeInSeconds is -1 (no limit) or ${AGE_S_MIN} to 604800: ${age} is given.`);
  const { MinimumPollers: least, MaximumPollers: most } = merged.ProvisionedPollerConfig ?? {};
  if (least !== undefined && most !== undefined && least > most)
    throw invalidParameter(`MinimumPollers (${least}) is more than MaximumPollers (${most}).`);
}

/** The configuration that is kept: what was given, over what is there already or the kind's defaults. */
export function configOf(
  kind: SourceKind,
  input: Change,
  id: string,
  before: EventSourceConfig = createdConfig(kind, input as Create, id),
): EventSourceConfig {
  const config: Record<string, unknown> = { ...before };
  for (const member of [...OF_ALL, ...OF_SOME]) {
    const value = memberOf(input, member);
    if (value === undefined || (!isGiven(value) && !Object.hasOwn(config, member))) continue;
    if (isGiven(value) || typeof value === "boolean" || ALWAYS_SHOWN.has(member)) config[member] = copyOf(value);
    else delete config[member];
  }
  // Also where a request has an empty one, or none.
  const destinations = config["DestinationConfig"];
  if (isMap(destinations)) config["DestinationConfig"] = { OnFailure: destinations["OnFailure"] ?? {} };
  return config as EventSourceConfig;
}

function createdConfig(kind: SourceKind, { EventSourceArn }: Create, id: string): EventSourceConfig {
  const group = { ConsumerGroupId: id };
  return {
    ...kind.defaults,
    ...(EventSourceArn === undefined ? {} : { EventSourceArn }),
    ...(kind.members.has("AmazonManagedKafkaEventSourceConfig") ? { AmazonManagedKafkaEventSourceConfig: group } : {}),
    ...(kind.members.has("SelfManagedKafkaEventSourceConfig") ? { SelfManagedKafkaEventSourceConfig: group } : {}),
  };
}

/** On AWS the function is a parameter of the mapping, and no resource of the request. */
export async function findTarget(
  services: Pick<ControlParts, "scope" | "store">,
  functionName: string,
): Promise<Pick<EventSourceRecord, "functionName" | "qualifier"> & { readonly timeoutS: number }> {
  const { name, qualifier } = parseFunctionName(services.scope, functionName);
  const isThere = (await services.store.getFunction(name)) !== null;
  const version = isThere ? await versionOfQualifier(services, name, qualifier ?? "$LATEST").catch(() => null) : null;
  const found = version === null ? null : await services.store.getVersion(name, version);
  if (found === null) throw invalidParameter("Function does not exist");
  return { functionName: name, qualifier, timeoutS: found.config.timeoutS };
}

function unsupported(member: string): ApiError {
  return invalidParameter(`Unsupported ${member} parameter for given event source mapping type.`);
}

function memberOf(input: Change, member: Member): unknown {
  return (input as unknown as Readonly<Record<string, unknown>>)[member];
}

/** False for what means "none": an empty text, list or structure, and `false`. */
function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Reflect.ownKeys(value).some((name) => isGiven(value[String(name)]));
  return value !== undefined && value !== null && value !== "" && value !== false;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isMap(value)) return value;
  return Object.fromEntries(Reflect.ownKeys(value).map((name) => [name, copyOf(value[String(name)])]));
}
