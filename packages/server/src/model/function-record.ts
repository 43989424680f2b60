/** Stored records of functions, versions and aliases. `$LATEST` is a version like the others, but it changes. */
import type { SnapshotId } from "../base/ids.ts";
import { IMAGE_RUNTIME, type ImageStart } from "./image.ts";
import type { CodeInfo } from "./code-info.ts";
import type { EventSourceRecord, EventSourceShardRecord } from "./event-source-record.ts";
import type { HttpApiRecord, HttpFrozenRecord } from "./http-api/record.ts";
import type { InstanceProfileRecord, ManagedPolicyRecord, PolicyDocumentRecord, RoleRecord } from "./iam/records.ts";
import type { EventBusRecord, EventRuleRecord } from "./event-bus/record.ts";
import type { TopicSubscriptionRecord } from "./topic-subscription.ts";
import type { ScheduleGroupRecord, ScheduleRecord } from "./schedule/record.ts";
import type { FunctionLayer, LayerRecord, LayerVersionRecord } from "./layer-record.ts";
import type { GatewayAccountRecord, RestApiRecord, RestFrozenRecord } from "./rest-api/record.ts";
import type { ParameterRecord, ParameterValueRecord } from "./parameter-record.ts";
import type { RepositoryRecord } from "./repository-record.ts";
import type { TestEventIndexRecord, TestEventRecord } from "./test-event-record.ts";
import type { UrlCors } from "./url-cors.ts";

export const LATEST = "$LATEST";

/** Facts that a snapshot depends on besides its own data: it is restored only where both still hold. */
export interface SnapshotFingerprints {
  /** Fingerprint of the engine: format, CRIU, features of the CPU. */
  readonly engine: string;
  /** Fingerprint of the runtime: root file system, language, client. */
  readonly runtime: string;
}

/** Key of a snapshot, in the same form as in ports/engine.ts. */
export interface SnapshotKeyRecord {
  readonly keyArn: string | null;
  readonly wrapped: string;
}

export interface SnapshotFacts {
  /**
   * Key that the snapshot is sealed with, wrapped. When this record is deleted, the snapshot can't be read any more.
   */
  readonly key: SnapshotKeyRecord;
  readonly fingerprints: SnapshotFingerprints;
  readonly createdAtMs: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Bytes that it added to the chunks on disk. */
  readonly newBytes: number;
  /** Number of TCP connections to the outside that were open when it was taken. Absent in a record of an older Thaw. */
  readonly cutConnections?: number;
}

/** Failure of the last tries to make a version's snapshot anew. */
export interface RegenerationFailure {
  readonly attempts: number;
  readonly failedAtMs: number;
  /** True where it is not tried again: the tries ended the server. */
  readonly isFinal?: boolean;
}

/** State of a version as in the API; the reasons are absent where the state is a good one. */
export interface StateFields {
  readonly state: "Pending" | "Active" | "Inactive" | "Failed";
  readonly stateReason: string | null;
  readonly stateReasonCode: string | null;
  /** Status of the last update; null: absent, as on a version that is Pending for the first time. */
  readonly lastUpdateStatus: "Successful" | "InProgress" | "Failed" | null;
  readonly lastUpdateStatusReason: string | null;
  readonly lastUpdateStatusReasonCode: string | null;
}

export interface FunctionConfig {
  /** AWS's id, or `image` where the code is a container image. */
  readonly runtime: string;
  readonly role: string;
  /** Empty where the code is a container image. */
  readonly handler: string;
  /** What is put over the image's own settings. Absent where nothing is, and for packages. */
  readonly imageConfig?: ImageStart;
  readonly description: string;
  readonly timeoutS: number;
  readonly memorySizeMib: number;
  /** Variables; null: no Environment in answers. An empty one is shown as such. */
  readonly environment: Readonly<Record<string, string>> | null;
  readonly kmsKeyArn: string | null;
  readonly tracingMode: "Active" | "PassThrough";
  readonly architectures: readonly string[];
  readonly tmpSizeMib: number;
  readonly fileSystems: ReadonlyArray<{ readonly arn: string; readonly localMountPath: string }>;
  /** In the order in which they are merged. Absent without layers, as in a record of an older Thaw. */
  readonly layers?: readonly FunctionLayer[];
  readonly snapStartApplyOn: "PublishedVersions" | "None";
  readonly logFormat: "Text" | "JSON";
  readonly logGroup: string;
  readonly applicationLogLevel: string | null;
  readonly systemLogLevel: string | null;
  /** Queue or topic for events that are given up. Absent where there is none, as in a record of an older Thaw. */
  readonly deadLetterArn?: string;
  /** What VpcConfig said; absent where it never did. It is shown, and changes nothing of the network here. */
  readonly vpc?: {
    readonly subnetIds: readonly string[];
    readonly securityGroupIds: readonly string[];
    readonly ipv6: boolean;
  };
}

export interface VersionRecord extends StateFields {
  readonly functionName: string;
  readonly version: string;
  readonly config: FunctionConfig;
  readonly code: CodeInfo;
  readonly lastModifiedMs: number;
  readonly revisionId: string;
  /** Snapshot that invokes restore; null before it is whole, and where there is none. */
  readonly snapshotId: SnapshotId | null;
  /** True while a new snapshot is made for a version that once had one: invokes are told SnapStartNotReadyException. */
  readonly isRegenerating: boolean;
  /** Facts of the snapshot; null exactly where `snapshotId` is. */
  readonly snapshotFacts: SnapshotFacts | null;
  readonly regenerationFailure: RegenerationFailure | null;
  /**
   * Fingerprint of the `$LATEST` that was published: it has the description of that, which the version's own may differ
   * from. Absent on `$LATEST`, and in a record of an older Thaw.
   */
  readonly publishedFrom?: string;
}

/** Time of a version's last use. */
export interface VersionUse {
  readonly functionName: string;
  readonly version: string;
  readonly usedAtMs: number;
}

export interface FunctionRecord {
  readonly name: string;
  /** User of the function inside sandboxes; each function has its own. */
  readonly uid: number;
  readonly lastVersion: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly reservedConcurrency: number | null;
}

/** Number of environments of a version, or of those behind an alias, that are wanted ahead of invokes. */
export interface ProvisionedRecord {
  readonly functionName: string;
  readonly qualifier: string;
  readonly requested: number;
  readonly lastModifiedMs: number;
}

export interface AliasRecord {
  readonly functionName: string;
  readonly name: string;
  readonly functionVersion: string;
  readonly description: string;
  readonly weights: Readonly<Record<string, number>>;
  readonly revisionId: string;
}

/** A setting that is kept beside a function: its `$LATEST`, one of its versions or one of its aliases has one. */
interface Setting {
  readonly functionName: string;
  readonly qualifier: string;
}

/** What PutRuntimeManagementConfig set. */
export interface RuntimeManagementRecord extends Setting {
  readonly updateRuntimeOn: "Auto" | "Manual" | "FunctionUpdate";
  /** Null unless it is set by hand. */
  readonly runtimeVersionArn: string | null;
}

/** A statement of a resource policy, as answers show it. */
export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: "*" | { readonly Service: string } | { readonly AWS: string };
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: PolicyConditions;
}

/** Values by key, by operator. */
export type PolicyConditions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Who may call a function, a version or an alias. */
export interface PolicyRecord extends Setting {
  /** Never empty. */
  readonly statements: readonly PolicyStatement[];
  readonly revisionId: string;
}

/** The URL of a function (`$LATEST`) or of an alias; it stays when the alias goes, as on AWS. */
export interface UrlRecord extends Setting {
  /** First label of its host name. */
  readonly urlId: string;
  readonly authType: "NONE" | "AWS_IAM";
  readonly cors: UrlCors | null;
  readonly invokeMode: "BUFFERED" | "RESPONSE_STREAM";
  readonly createdAtMs: number;
  readonly lastModifiedMs: number;
}

/** What PutFunctionEventInvokeConfig set; null: AWS's default. */
export interface EventInvokeRecord extends Setting {
  readonly maximumRetryAttempts: number | null;
  readonly maximumEventAgeS: number | null;
  /** ARN of the destination; null: none. */
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
  readonly lastModifiedMs: number;
}

/** What PutFunctionRecursionConfig set, under `$LATEST`. */
export interface RecursionRecord extends Setting {
  readonly recursiveLoop: "Allow" | "Terminate";
}

/** What PutFunctionCodeSigningConfig set; a function has it, so it is kept with `$LATEST`. */
export interface FunctionCodeSigningRecord extends Setting {
  readonly codeSigningConfigArn: string;
}

/** The settings of functions, by kind. A new kind needs no more than its line here. */
export interface Settings {
  readonly eventInvoke: EventInvokeRecord;
  readonly recursion: RecursionRecord;
  readonly runtimeManagement: RuntimeManagementRecord;
  readonly policy: PolicyRecord;
  readonly url: UrlRecord;
  readonly functionCodeSigning: FunctionCodeSigningRecord;
}

/** Something that belongs to the account and to no function. */
interface AccountEntry {
  /** Its key among those of its kind. */
  readonly id: string;
}

export interface CodeSigningRecord extends AccountEntry {
  readonly description: string;
  readonly signingProfileVersionArns: readonly string[];
  readonly untrustedArtifactOnDeployment: "Warn" | "Enforce";
  readonly lastModifiedMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Where the URL of an id belongs. It is written and removed with the URL. */
export interface UrlIdRecord extends AccountEntry {
  readonly functionName: string;
  readonly qualifier: string;
}

/** The last time for which something with a schedule was carried out, written in the commit that does. */
export interface LastTimeRecord extends AccountEntry {
  readonly dueMs: number;
}

/** What belongs to the account, by kind. A new kind needs no more than its line here. */
export interface AccountEntries {
  readonly codeSigning: CodeSigningRecord;
  readonly eventSource: EventSourceRecord;
  readonly eventSourceShard: EventSourceShardRecord;
  readonly layer: LayerRecord;
  readonly layerVersion: LayerVersionRecord;
  readonly urlId: UrlIdRecord;
  readonly httpApi: HttpApiRecord;
  readonly httpFrozen: HttpFrozenRecord;
  readonly eventBus: EventBusRecord;
  readonly eventRule: EventRuleRecord;
  readonly topicSubscription: TopicSubscriptionRecord;
  readonly lastTime: LastTimeRecord;
  readonly schedule: ScheduleRecord;
  readonly scheduleGroup: ScheduleGroupRecord;
  readonly iamRole: RoleRecord;
  readonly iamPolicy: ManagedPolicyRecord;
  readonly iamPolicyDocument: PolicyDocumentRecord;
  readonly iamInstanceProfile: InstanceProfileRecord;
  readonly restApi: RestApiRecord;
  readonly restFrozen: RestFrozenRecord;
  readonly gatewayAccount: GatewayAccountRecord;
  readonly ecrRepository: RepositoryRecord;
  readonly ssmParameter: ParameterRecord;
  readonly ssmParameterValue: ParameterValueRecord;
  readonly testEventIndex: TestEventIndexRecord;
  readonly testEvent: TestEventRecord;
}

/** An asynchronous invoke that was accepted and has not been carried out. */
export interface EventRecord {
  readonly id: number;
  readonly requestId: string;
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly payload: Buffer;
  readonly clientContext: string | null;
  /** The chain of requests that it belongs to; null in a record of an older Thaw. */
  readonly traceId: string | null;
  /** Number of runs that the function has failed. */
  readonly attempts: number;
  readonly acceptedAtMs: number;
  readonly notBeforeMs: number;
}

/**
 * A result, or an event that was given up, on its way to a destination. It belongs to no function: it is delivered
 * though its function is deleted.
 */
export interface DeliveryRecord {
  readonly id: number;
  readonly requestId: string;
  /** Empty where it is the event of a bucket. */
  readonly functionName: string;
  /** ARN of the function as it was invoked, always with a qualifier; or that of the bucket. */
  readonly functionArn: string;
  /** ARN of the destination. */
  readonly destination: string;
  /** The failure that a dead letter's attributes tell of; null: `body` is AWS's record, for a destination. */
  readonly deadLetter: DeadLetter | null;
  /** Attributes of a message that is no dead letter of Lambda's; absent where it is one. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly isSuccess: boolean;
  /** Of a topic's message; absent: none. */
  readonly subject?: string;
  /** Key of the object where the destination is a bucket; none: that of an asynchronous invoke. */
  readonly objectKey?: string;
  /** The trace of the run; null where none was made. */
  readonly traceId: string | null;
  readonly body: Buffer;
  readonly attempts: number;
  readonly acceptedAtMs: number;
  readonly notBeforeMs: number;
}

export interface DeadLetter {
  readonly errorCode: number;
  readonly errorMessage: string;
}

/**
 * Work that a function causes and that a start takes up again. `key`: the version, the id of the event, the qualifier.
 */
export interface Work {
  readonly kind: "snapshot" | "event" | "provisioned";
  readonly functionName: string;
  readonly key: string;
}

/** Work that was begun, and whose end nobody has seen yet. */
export interface UnfinishedWork extends Work {
  /** Number of lives of the server in a row in which it was begun and not ended. */
  readonly tries: number;
}

const CREATING = "The function is being created.";

const CREATING_STATE: StateFields = {
  state: "Pending",
  stateReason: CREATING,
  stateReasonCode: "Creating",
  lastUpdateStatus: null,
  lastUpdateStatusReason: null,
  lastUpdateStatusReasonCode: null,
};

export const ACTIVE_STATE: StateFields = {
  state: "Active",
  stateReason: null,
  stateReasonCode: null,
  lastUpdateStatus: "Successful",
  lastUpdateStatusReason: null,
  lastUpdateStatusReasonCode: null,
};

/** True where the code is a container image (PackageType Image). */
export function isImage({ runtime }: Pick<FunctionConfig, "runtime">): boolean {
  return runtime === IMAGE_RUNTIME;
}

/** Makes a version that has just been created and has no snapshot yet. */
export function freshVersion(
  made: Pick<VersionRecord, "functionName" | "version" | "config" | "code" | "lastModifiedMs" | "revisionId">,
): VersionRecord {
  return {
    ...CREATING_STATE,
    ...made,
    snapshotId: null,
    isRegenerating: false,
    snapshotFacts: null,
    regenerationFailure: null,
  };
}

/** AWS says "created" for an update, too (recorded …test_snapstart_lifecycle). */
export const UPDATING_STATE: StateFields = {
  ...ACTIVE_STATE,
  lastUpdateStatus: "InProgress",
  lastUpdateStatusReason: CREATING,
  lastUpdateStatusReasonCode: "Creating",
};

/**
 * Makes the state of a function or version whose runtime is being installed on this host. AWS has no such state, and
 * these values for what is not ready.
 */
export function installingState(record: Pick<VersionRecord, "config" | "lastUpdateStatus">): StateFields {
  const reason = installingReason(record);
  const isUpdate = record.lastUpdateStatus === "InProgress";
  return {
    ...CREATING_STATE,
    stateReason: reason,
    ...(isUpdate
      ? {
          lastUpdateStatus: "InProgress",
          lastUpdateStatusReason: reason,
          lastUpdateStatusReasonCode: "Creating",
        }
      : {}),
  };
}

export function isInstalling(record: Pick<VersionRecord, "config" | "state" | "stateReason">): boolean {
  return record.state === "Pending" && record.stateReason === installingReason(record);
}

function installingReason({ config }: Pick<VersionRecord, "config">): string {
  return `The runtime ${config.runtime} is being installed on this host.`;
}

export const REGENERATING_STATE: StateFields = {
  ...CREATING_STATE,
  stateReason:
    "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
  stateReasonCode: "Restoring",
};

/** State of a version that was not invoked for so long that its snapshot was removed. */
export const IDLE_STATE: StateFields = {
  ...ACTIVE_STATE,
  state: "Inactive",
  stateReason: "The function is idle.",
  stateReasonCode: "Idle",
};

/** Makes the state of a version whose snapshot could not be made anew. */
export function inactiveState(reason: string, reasonCode: string): StateFields {
  return { ...failedState(reason, reasonCode), state: "Inactive" };
}

export function failedState(reason: string, reasonCode: string): StateFields {
  return {
    state: "Failed",
    stateReason: reason,
    stateReasonCode: reasonCode,
    lastUpdateStatus: "Failed",
    lastUpdateStatusReason: reason,
    lastUpdateStatusReasonCode: reasonCode,
  };
}
