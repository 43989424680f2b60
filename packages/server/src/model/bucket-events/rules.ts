/**
 * Which events of a bucket go where: S3's notification configuration, as it is kept with the bucket.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
 */

/** What happens here, without the `s3:` of the types in configurations. */
export type ObjectEventName =
  | "ObjectCreated:Put"
  | "ObjectCreated:Copy"
  | "ObjectCreated:CompleteMultipartUpload"
  | "ObjectRemoved:Delete"
  | "ObjectRemoved:DeleteMarkerCreated"
  | "ObjectTagging:Put"
  | "ObjectTagging:Delete";

/** Kinds of targets, by the beginning of the member of S3's configuration. */
export type TargetKind = "LambdaFunction" | "Queue" | "Topic";

export interface NotificationRule {
  readonly id: string;
  readonly kind: TargetKind;
  /** Of the function, the queue or the topic. */
  readonly arn: string;
  /** S3's types, such as `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  /** Null: any key. */
  readonly prefix: string | null;
  readonly suffix: string | null;
}

export interface BucketNotifications {
  readonly rules: readonly NotificationRule[];
  /** True: all events go to the account's default event bus, too. */
  readonly isToBus: boolean;
}

export const NO_NOTIFICATIONS: BucketNotifications = { rules: [], isToBus: false };

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  ObjectCreated: ["Put", "Post", "Copy", "CompleteMultipartUpload"],
  ObjectRemoved: ["Delete", "DeleteMarkerCreated"],
  ObjectRestore: ["Post", "Completed", "Delete"],
  ObjectTagging: ["Put", "Delete"],
  ObjectAnnotation: ["Put", "Delete"],
  LifecycleExpiration: ["Delete", "DeleteMarkerCreated"],
  Replication: [
    "OperationFailedReplication",
    "OperationMissedThreshold",
    "OperationNotTracked",
    "OperationReplicatedAfterThreshold",
  ],
};
const ALONE = ["ReducedRedundancyLostObject", "LifecycleTransition", "IntelligentTiering"]
  .concat("ObjectAcl:Put", "ObjectRetention:Put")
  .map((name) => `s3:${name}`);

/** All types that a configuration may name. Most of those that never happen here belong to what Thaw does not have. */
export const EVENT_TYPES: ReadonlySet<string> = new Set([
  ...Object.entries(TYPES).flatMap(([group, names]) => ["*", ...names].map((name) => `s3:${group}:${name}`)),
  ...ALONE,
]);

/** The rules that an event is for. */
export function rulesFor(
  rules: readonly NotificationRule[],
  name: ObjectEventName,
  key: string,
): readonly NotificationRule[] {
  return rules.filter(
    ({ events, prefix, suffix }) =>
      key.startsWith(prefix ?? "") && key.endsWith(suffix ?? "") && events.some((type) => covers(type, `s3:${name}`)),
  );
}

/** Whether some event could be for both: S3 takes no such rules. */
export function overlap(one: NotificationRule, other: NotificationRule): boolean {
  return (
    one.events.some((a) => other.events.some((b) => covers(a, b) || covers(b, a))) &&
    haveCommon(one.prefix, other.prefix, (long, short) => long.startsWith(short)) &&
    haveCommon(one.suffix, other.suffix, (long, short) => long.endsWith(short))
  );
}

function covers(type: string, name: string): boolean {
  return type === name || (type.endsWith(":*") && name.startsWith(type.slice(0, -1)));
}

function haveCommon(
  one: string | null,
  other: string | null,
  includes: (long: string, short: string) => boolean,
): boolean {
  const [a, b] = [one ?? "", other ?? ""];
  return includes(a, b) || includes(b, a);
}
