/** AWS::Kinesis::Stream, at the endpoint of Kinesis. */
import { isDeepStrictEqual } from "node:util";
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import type { Tags } from "../own.ts";
import { given, mapOf, numberOf, settle, takenName, textOf, unless } from "../values.ts";
import { isPassedOwn, passedTagChanges, passedTags, tagsOfList } from "./passed.ts";

const TYPE = "AWS::Kinesis::Stream";
const NAME_LENGTH_MAX = 128;
const MISSING = ["ResourceNotFoundException"];
/** Between looks at a stream that is being made, changed or removed. */
const LOOK_MS = 500;
const RETENTION_HOURS = 24;

interface Summary {
  readonly StreamARN: string;
  readonly StreamStatus: string;
  readonly RetentionPeriodHours: number;
  readonly OpenShardCount?: number;
  readonly StreamModeDetails?: { readonly StreamMode: string };
  readonly EncryptionType?: string;
  readonly KeyId?: string;
}

export const STREAM: Handler = {
  service: "kinesis",
  type: describeType(TYPE, {
    without: ["DesiredShardLevelMetrics", "MaxRecordSizeInKiB", "WarmThroughputMiBps"],
    attributes: ["Arn"],
  }),
  async create(properties, context) {
    const { services, isRetry } = context;
    const named = textOf(properties, "Name");
    const StreamName = named ?? context.makeName(NAME_LENGTH_MAX);
    const found = await unless(MISSING, services.call("kinesis", "DescribeStreamSummary", { StreamName }));
    // A name that was made up is this resource's alone.
    const isOwn = found === null || named === null || isPassedOwn(await tagsNow(StreamName, context), context);
    if (!isOwn || (found !== null && !isRetry)) throw takenName(TYPE, "Name", StreamName);
    if (found === null) {
      const mode = modeOf(properties);
      await services.call("kinesis", "CreateStream", {
        StreamName,
        StreamModeDetails: { StreamMode: mode },
        ...(mode === "PROVISIONED" ? { ShardCount: numberOf(properties, "ShardCount") ?? 1 } : {}),
        Tags: passedTags(properties["Tags"], context),
      });
    }
    return settle(StreamName, () => configure(StreamName, properties, context));
  },
  update: ({ physicalId }, properties, context) => configure(physicalId, properties, context),
  async remove({ physicalId: StreamName }, { services, until }) {
    const wish = { StreamName, EnforceConsumerDeletion: true };
    await until(async () => {
      const found = await unless(MISSING, services.call("kinesis", "DescribeStreamSummary", { StreamName }));
      if (found === null) return true;
      // One that is being made or changed can't be removed yet.
      if ((found["StreamDescriptionSummary"] as Summary).StreamStatus !== "DELETING")
        await unless([...MISSING, "ResourceInUseException"], services.call("kinesis", "DeleteStream", wish));
      return null;
    }, LOOK_MS);
  },
};

function modeOf(properties: TemplateMap): string {
  const details = mapOf(properties, "StreamModeDetails");
  return (details === null ? null : textOf(details, "StreamMode")) ?? "PROVISIONED";
}

/** Brings the stream to what the template says, by what it is: a step of before a crash is not done again. */
async function configure(StreamName: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const { services } = context;
  const tags = await tagsNow(StreamName, context);
  const { set, gone } = passedTagChanges(tags, passedTags(properties["Tags"], context));
  // First of all, as some services take none with a stream that is made.
  if (Object.keys(set).length > 0) await services.call("kinesis", "AddTagsToStream", { StreamName, Tags: set });
  if (gone.length > 0) await services.call("kinesis", "RemoveTagsFromStream", { StreamName, TagKeys: gone });
  await setMode(StreamName, properties, context);
  await setRetention(StreamName, properties, context);
  await setEncryption(StreamName, properties, context);
  const { StreamARN: Arn } = await untilActive(StreamName, context);
  return { physicalId: StreamName, attributes: { Arn } };
}

async function setMode(StreamName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const now = await untilActive(StreamName, context);
  const mode = modeOf(properties);
  if ((now.StreamModeDetails?.StreamMode ?? "PROVISIONED") !== mode) {
    const StreamModeDetails = { StreamMode: mode };
    await services.call("kinesis", "UpdateStreamMode", { StreamARN: now.StreamARN, StreamModeDetails });
  }
  const { OpenShardCount } = await untilActive(StreamName, context);
  const TargetShardCount = numberOf(properties, "ShardCount") ?? 1;
  if (mode !== "PROVISIONED" || OpenShardCount === TargetShardCount) return;
  const wish = { StreamName, TargetShardCount, ScalingType: "UNIFORM_SCALING" };
  await services.call("kinesis", "UpdateShardCount", wish);
}

async function setRetention(StreamName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { RetentionPeriodHours: now } = await untilActive(StreamName, context);
  const RetentionPeriodHours = numberOf(properties, "RetentionPeriodHours") ?? RETENTION_HOURS;
  if (now === RetentionPeriodHours) return;
  const operation = now < RetentionPeriodHours ? "IncreaseStreamRetentionPeriod" : "DecreaseStreamRetentionPeriod";
  await context.services.call("kinesis", operation, { StreamName, RetentionPeriodHours });
}

async function setEncryption(StreamName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const now = await untilActive(StreamName, context);
  const wanted = mapOf(properties, "StreamEncryption");
  const before = { EncryptionType: now.EncryptionType, KeyId: now.KeyId };
  const isEncrypted = now.EncryptionType !== undefined && now.EncryptionType !== "NONE";
  const after = wanted && given({ EncryptionType: textOf(wanted, "EncryptionType"), KeyId: textOf(wanted, "KeyId") });
  if (after !== null && !isDeepStrictEqual(before, after))
    await services.call("kinesis", "StartStreamEncryption", { StreamName, ...after });
  if (after === null && isEncrypted) await services.call("kinesis", "StopStreamEncryption", { StreamName, ...before });
}

function untilActive(StreamName: string, { services, until }: HandlerContext): Promise<Summary> {
  return until(async () => {
    const found = await unless(MISSING, services.call("kinesis", "DescribeStreamSummary", { StreamName }));
    if (found === null) throw new HandlerError(`The stream ${StreamName} is not there any more`);
    const summary = found["StreamDescriptionSummary"] as Summary;
    return summary.StreamStatus === "ACTIVE" ? summary : null;
  }, LOOK_MS);
}

async function tagsNow(StreamName: string, { services }: HandlerContext): Promise<Tags> {
  return tagsOfList((await services.call("kinesis", "ListTagsForStream", { StreamName }))["Tags"]);
}
