/**
 * What happened to an object, and the forms in which S3 tells of it: a record for functions, queues and topics, and an
 * event for buses.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
import type { AccountScope } from "../function-name.ts";
import type { NotificationRule, ObjectEventName } from "./rules.ts";

/** The request that changes an object. */
export interface ChangeCause {
  /** What it does; a removal that makes a delete marker is told apart by the store. */
  readonly name: ObjectEventName;
  readonly requestId: string;
  readonly sourceIp: string;
  /** UserId of who signed it. */
  readonly userId: string;
  /** The header X-Amzn-Trace-Id, which has the chain of requests that a function is in; null: none. */
  readonly traceId: string | null;
}

export interface ObjectEvent extends ChangeCause {
  readonly timeMs: number;
  readonly bucket: string;
  readonly key: string;
  /** Null in a bucket without versions. */
  readonly versionId: string | null;
  /** Null for a removal. */
  readonly sizeBytes: number | null;
  /** Null for the removal of a version. */
  readonly etag: string | null;
  /** Where it goes, as configured when it happened. */
  readonly targets: ReadonlyArray<Pick<NotificationRule, "id" | "kind" | "arn">>;
  readonly isToBus: boolean;
}

/** An event in the order of all of them. */
export interface StoredObjectEvent extends ObjectEvent {
  /** Greater than that of each earlier event. */
  readonly id: number;
}

/** AWS's own have 18 digits; one that is greater came later. */
const SEQUENCER_DIGITS = 18;
/** S3 has newer versions of the record for what it came to tell of later. */
const VERSION = "2.1";
const VERSION_OF_TAGS = "2.3";

export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

/** The payload of a function, and the message of a queue or a topic. */
export function recordOf(scope: AccountScope, event: StoredObjectEvent, configurationId: string): string {
  const { name, timeMs, bucket, key, requestId } = event;
  const isOfTags = name.startsWith("ObjectTagging:");
  const record = {
    eventVersion: isOfTags ? VERSION_OF_TAGS : VERSION,
    eventSource: "aws:s3",
    awsRegion: scope.region,
    eventTime: new Date(timeMs).toISOString(),
    eventName: name,
    userIdentity: { principalId: `AWS:${event.userId}` },
    requestParameters: { sourceIPAddress: event.sourceIp },
    responseElements: { "x-amz-request-id": requestId, "x-amz-id-2": requestId },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId,
      bucket: { name: bucket, ownerIdentity: { principalId: scope.accountId }, arn: bucketArn(bucket) },
      object: {
        key: urlEncoded(key),
        ...(event.sizeBytes === null || isOfTags ? {} : { size: event.sizeBytes }),
        ...(event.etag === null ? {} : { eTag: event.etag }),
        ...(event.versionId === null ? {} : { versionId: event.versionId }),
        ...(isOfTags ? {} : { sequencer: sequencerOf(event) }),
      },
    },
  };
  return JSON.stringify({ Records: [record] });
}

/** The message that a queue or a topic gets when it becomes a target. */
export function testEventOf(bucket: string, requestId: string, timeMs: number): string {
  return JSON.stringify({
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(timeMs).toISOString(),
    Bucket: bucket,
    RequestId: requestId,
    HostId: requestId,
  });
}

const REASONS: Readonly<Record<ObjectEventName, readonly [detailType: string, more: object]>> = {
  "ObjectCreated:Put": ["Object Created", { reason: "PutObject" }],
  "ObjectCreated:Copy": ["Object Created", { reason: "CopyObject" }],
  "ObjectCreated:CompleteMultipartUpload": ["Object Created", { reason: "CompleteMultipartUpload" }],
  "ObjectRemoved:Delete": ["Object Deleted", { reason: "DeleteObject", "deletion-type": "Permanently Deleted" }],
  "ObjectRemoved:DeleteMarkerCreated": [
    "Object Deleted",
    { reason: "DeleteObject", "deletion-type": "Delete Marker Created" },
  ],
  "ObjectTagging:Put": ["Object Tags Added", {}],
  "ObjectTagging:Delete": ["Object Tags Deleted", {}],
};

/** Detail-type and detail of the event on a bus. */
export function busDetailOf(
  { accountId }: AccountScope,
  event: StoredObjectEvent,
): { readonly detailType: string; readonly detail: string } {
  const { name, bucket, key, sizeBytes, etag, versionId, requestId, sourceIp } = event;
  const [detailType, more] = REASONS[name];
  const isOfTags = name.startsWith("ObjectTagging:");
  const detail = {
    version: "0",
    bucket: { name: bucket },
    object: {
      key,
      ...(sizeBytes === null || isOfTags ? {} : { size: sizeBytes }),
      ...(etag === null ? {} : { etag }),
      ...(versionId === null ? {} : { "version-id": versionId }),
      ...(isOfTags ? {} : { sequencer: sequencerOf(event) }),
    },
    "request-id": requestId,
    requester: accountId,
    "source-ip-address": sourceIp,
    ...more,
  };
  return { detailType, detail: JSON.stringify(detail) };
}

function sequencerOf({ id }: StoredObjectEvent): string {
  return id.toString(16).toUpperCase().padStart(SEQUENCER_DIGITS, "0");
}

/** As a form's value, with slashes as they are: "red flower.jpg" is `red+flower.jpg`. */
function urlEncoded(key: string): string {
  return encodeURIComponent(key.toWellFormed())
    .replaceAll("%20", "+")
    .replaceAll("%2F", "/")
    .replaceAll(/[!'()~]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
