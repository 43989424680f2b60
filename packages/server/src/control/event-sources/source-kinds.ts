/**
 * The kinds of event sources: what each is given by itself, and which members it has. Sources: recorded
 * …event_source_mapping (environment-behaviour.md 8.1); https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
 */
import type { EventSourceConfig } from "../../model/event-source-record.ts";

export interface SourceKind {
  /** As AWS's texts name it. */
  readonly name: "SQS" | "Kinesis" | "DynamoDB" | "Kafka" | "MQ" | "DocumentDB";
  /** AWS's word for what a client began. */
  readonly reason: "USER_INITIATED" | "User action";
  readonly defaults: EventSourceConfig;
  /** Members beside those of all kinds. */
  readonly members: ReadonlySet<keyof EventSourceConfig | "StartingPositionTimestamp">;
  readonly needsPosition: boolean;
}

const READ: EventSourceConfig = { BatchSize: 100, LastProcessingResult: "No records processed" };
const NO_FAILURE = { DestinationConfig: { OnFailure: {} } };
const RETRIES = ["DestinationConfig", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts"] as const;
const OF_STREAMS = [
  ...RETRIES,
  "StartingPosition",
  "BisectBatchOnFunctionError",
  "ParallelizationFactor",
  "TumblingWindowInSeconds",
  "FunctionResponseTypes",
] as const;
const OF_KAFKA = [
  ...RETRIES,
  "StartingPosition",
  "StartingPositionTimestamp",
  "BisectBatchOnFunctionError",
  "Topics",
  "SourceAccessConfigurations",
  "FunctionResponseTypes",
  "ProvisionedPollerConfig",
  "LoggingConfig",
] as const;
const STREAM = {
  reason: "User action",
  defaults: {
    ...READ,
    ...NO_FAILURE,
    BisectBatchOnFunctionError: false,
    FunctionResponseTypes: [],
    MaximumBatchingWindowInSeconds: 0,
    MaximumRecordAgeInSeconds: -1,
    MaximumRetryAttempts: -1,
    ParallelizationFactor: 1,
    TumblingWindowInSeconds: 0,
  },
  needsPosition: true,
} as const;

const SQS: SourceKind = {
  name: "SQS",
  reason: "USER_INITIATED",
  defaults: { BatchSize: 10, FunctionResponseTypes: [], MaximumBatchingWindowInSeconds: 0 },
  members: new Set(["ScalingConfig", "FunctionResponseTypes", "ProvisionedPollerConfig"] as const),
  needsPosition: false,
};
const KINESIS: SourceKind = {
  ...STREAM,
  name: "Kinesis",
  members: new Set([...OF_STREAMS, "StartingPositionTimestamp"]),
};
const DYNAMODB: SourceKind = { ...STREAM, name: "DynamoDB", members: new Set(OF_STREAMS) };
const KAFKA = {
  name: "Kafka",
  reason: "User action",
  defaults: { ...READ, ...NO_FAILURE, FunctionResponseTypes: [] },
  needsPosition: true,
} as const;
const MSK: SourceKind = { ...KAFKA, members: new Set([...OF_KAFKA, "AmazonManagedKafkaEventSourceConfig"]) };
const SELF_MANAGED: SourceKind = {
  ...KAFKA,
  members: new Set([...OF_KAFKA, "SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"]),
};
const MQ: SourceKind = {
  name: "MQ",
  reason: "User action",
  defaults: READ,
  members: new Set(["Queues", "SourceAccessConfigurations"] as const),
  needsPosition: false,
};
const DOCUMENT_DB: SourceKind = {
  name: "DocumentDB",
  reason: "User action",
  defaults: READ,
  members: new Set([
    "StartingPosition",
    "StartingPositionTimestamp",
    "DocumentDBEventSourceConfig",
    "SourceAccessConfigurations",
  ] as const),
  needsPosition: true,
};

/** The resource's beginning in its ARN, by service. */
const BY_ARN: ReadonlyArray<readonly [service: string, resource: RegExp, kind: SourceKind]> = [
  ["sqs", /^[^/]+$/, SQS],
  ["kinesis", /^stream\//, KINESIS],
  ["dynamodb", /^table\/[^/]+\/stream\//, DYNAMODB],
  ["kafka", /^cluster\//, MSK],
  ["mq", /^broker:/, MQ],
  ["rds", /^cluster:/, DOCUMENT_DB],
];

/** Null where nothing says what is to be read. `isSelfManaged`: by addresses, and not by an ARN. */
export function kindOf(arn: string | undefined, isSelfManaged: boolean): SourceKind | null {
  if (isSelfManaged) return SELF_MANAGED;
  const [, , service, , , ...resource] = (arn ?? "").split(":");
  const found = BY_ARN.find(([name, pattern]) => name === service && pattern.test(resource.join(":")));
  return found?.[2] ?? null;
}
