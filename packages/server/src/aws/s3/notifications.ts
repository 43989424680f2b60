/**
 * Notifications of buckets: which events go where. Texts of refusals are S3's:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */
import {
  type BucketNotifications,
  EVENT_TYPES,
  NO_NOTIFICATIONS,
  type NotificationRule,
  overlap,
  type TargetKind,
} from "../../model/bucket-events/rules.ts";
import { testEventOf } from "../../model/bucket-events/event.ts";
import { bucketOf } from "./found.ts";
import { invalidArgument, malformedXml, S3Error } from "./s3-error.ts";
import type { S3Call, S3Operations, S3Output, S3Parts } from "./s3-service.ts";

type Put = Parameters<NonNullable<S3Operations["PutBucketNotificationConfiguration"]>>[0];

/** https://docs.aws.amazon.com/general/latest/gr/s3.html */
const RULES_MAX = 100;
const ID_LENGTH_MAX = 255;
const FILTER_BYTES_MAX = 1024;

/** Members of the configuration, and the service in the ARNs that each takes. */
const KINDS: ReadonlyArray<{ readonly kind: TargetKind; readonly arn: string; readonly service: string }> = [
  { kind: "LambdaFunction", arn: "LambdaFunctionArn", service: "lambda" },
  { kind: "Queue", arn: "QueueArn", service: "sqs" },
  { kind: "Topic", arn: "TopicArn", service: "sns" },
];
const ARN = /^arn:aws[a-zA-Z-]*:(lambda|sqs|sns):([a-z0-9-]{1,30}):(\d{12}):([A-Za-z0-9_$.:-]{1,400})$/;

/** A configuration as the protocol reads it, before anything of it is known. */
interface Given {
  readonly Id?: string;
  readonly Events?: readonly string[];
  readonly Filter?: {
    readonly Key?: { readonly FilterRules?: ReadonlyArray<{ readonly Name?: string; readonly Value?: string }> };
  };
}

export function notificationOperations(parts: S3Parts): S3Operations {
  const { objects, random } = parts;
  return {
    async GetBucketNotificationConfiguration(input, call) {
      const { notifications = NO_NOTIFICATIONS } = await bucketOf(objects, input, call);
      return shown(notifications) as S3Output<"GetBucketNotificationConfiguration">;
    },
    async PutBucketNotificationConfiguration(input, call) {
      await bucketOf(objects, input, call);
      const given = input.NotificationConfiguration;
      const rules = KINDS.flatMap(({ kind, arn, service }) => {
        const all = (given as Readonly<Record<string, unknown>>)[`${kind}Configurations`];
        return ((all ?? []) as ReadonlyArray<Given & Readonly<Record<string, unknown>>>).map((each) => ({
          // As AWS makes one up.
          id: each.Id ?? Buffer.from(random.uuid()).toString("base64"),
          kind,
          arn: checkedArn(String(each[arn] ?? ""), { argument: arn, service }, call),
          events: checkedEvents(each.Events),
          ...filterOf(each),
        }));
      });
      checkTogether(rules);
      if (input.SkipDestinationValidation !== true) await checkTargets(parts, input, call, rules);
      const notifications = { rules, isToBus: given.EventBridgeConfiguration !== undefined };
      await objects.changeBucket(input.Bucket, (bucket) => ({ ...bucket, notifications }));
      return {};
    },
  };
}

function checkedArn(
  arn: string,
  { argument, service }: { readonly argument: string; readonly service: string },
  { region }: S3Call,
): string {
  const [, ofService, ofRegion, , resource = ""] = ARN.exec(arn) ?? [];
  const isFunction = service === "lambda";
  if (ofService !== service || isFunction !== resource.startsWith("function:"))
    throw invalidArgument("The ARN could not be parsed", argument, arn.slice(0, 1000));
  if (ofRegion !== region)
    throw invalidArgument(
      "The notification destination service region is not valid for the bucket location constraint",
      argument,
      arn,
    );
  return arn;
}

function checkedEvents(events: readonly string[] | undefined): readonly string[] {
  if (events === undefined || events.length === 0) throw malformedXml();
  const unknown = events.find((each) => !EVENT_TYPES.has(each));
  if (unknown !== undefined)
    throw invalidArgument("The event is not supported for notifications", "Event", unknown.slice(0, 100));
  return [...new Set(events)];
}

function filterOf({ Filter }: Given): Pick<NotificationRule, "prefix" | "suffix"> {
  const values: { prefix: string | null; suffix: string | null } = { prefix: null, suffix: null };
  for (const { Name, Value } of Filter?.Key?.FilterRules ?? []) {
    if (Name === undefined || Value === undefined) throw malformedXml();
    const name = Name.toLowerCase();
    if (name !== "prefix" && name !== "suffix")
      throw invalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", Name.slice(0, 100));
    if (values[name] !== null)
      throw invalidArgument(`Cannot specify more than one ${name} rule in a filter.`, "FilterRule.Name", name);
    if (Buffer.byteLength(Value) > FILTER_BYTES_MAX)
      throw invalidArgument(
        `Size of filter rule value cannot exceed ${FILTER_BYTES_MAX} bytes in UTF-8 representation`,
        "FilterRule.Value",
        Value.slice(0, 100),
      );
    values[name] = Value;
  }
  return values;
}

function checkTogether(rules: readonly NotificationRule[]): void {
  if (rules.length > RULES_MAX)
    throw new S3Error("InvalidRequest", `A bucket has at most ${RULES_MAX} notification configurations.`);
  const long = rules.find(({ id }) => id.length > ID_LENGTH_MAX);
  if (long !== undefined)
    throw invalidArgument(`An Id has at most ${ID_LENGTH_MAX} characters`, "Id", long.id.slice(0, ID_LENGTH_MAX));
  if (new Set(rules.map(({ id }) => id)).size < rules.length)
    throw new S3Error("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique");
  if (rules.some((one, at) => rules.slice(at + 1).some((other) => overlap(one, other))))
    throw new S3Error(
      "InvalidArgument",
      "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.",
    );
}

/** Throws where one of the targets takes nothing. Each is asked once. */
async function checkTargets(
  { targets, clock }: S3Parts,
  { Bucket }: Pick<Put, "Bucket">,
  call: S3Call,
  rules: readonly NotificationRule[],
): Promise<void> {
  const testEvent = testEventOf(Bucket, call.requestId, clock.nowMs());
  const asked = new Map(rules.map(({ kind, arn }) => [arn, { kind, arn }]));
  const elements: Record<string, string> = {};
  const sentences: string[] = [];
  for (const target of asked.values()) {
    const problem = await targets.problemOf(target, Bucket, testEvent);
    if (problem === null) continue;
    sentences.push(problem);
    elements[`ArgumentName${sentences.length}`] = `${target.arn}, null`;
    elements[`ArgumentValue${sentences.length}`] = problem;
  }
  if (sentences.length > 0)
    throw new S3Error(
      "InvalidArgument",
      // Clients show the message alone, so it has what AWS leaves to the elements.
      `Unable to validate the following destination configurations: ${sentences.join("; ")}`,
      { elements },
    );
}

function shown({ rules, isToBus }: BucketNotifications): object {
  const members = KINDS.flatMap(({ kind, arn }) => {
    const own = rules.filter((rule) => rule.kind === kind);
    return own.length === 0 ? [] : [[`${kind}Configurations`, own.map((rule) => shownRule(rule, arn))]];
  });
  return { ...Object.fromEntries(members), ...(isToBus ? { EventBridgeConfiguration: {} } : {}) };
}

function shownRule({ id, arn, events, prefix, suffix }: NotificationRule, member: string): object {
  // AWS shows the names so, however they were written.
  const FilterRules = Object.entries({ Prefix: prefix, Suffix: suffix }).flatMap(([Name, Value]) =>
    Value === null ? [] : [{ Name, Value }],
  );
  return {
    Id: id,
    [member]: arn,
    Events: events,
    ...(FilterRules.length === 0 ? {} : { Filter: { Key: { FilterRules } } }),
  };
}
