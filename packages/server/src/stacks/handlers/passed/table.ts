/**
 * AWS::DynamoDB::Table, at the endpoint of DynamoDB. What is changed is found by what the table is, not by what was
 * applied last: DynamoDB refuses a change that changes nothing, and takes one kind of change after the other.
 */
import { isDeepStrictEqual } from "node:util";
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import type { Tags } from "../own.ts";
import { booleanOf, given, mapOf, settle, takenName, textOf, unless } from "../values.ts";
import { isPassedOwn, passedTagChanges, passedTags, tagList, tagsOfList } from "./passed.ts";
import { type Index, indexStep, type Table, tableInput, type TableInput } from "./table-input.ts";

const TYPE = "AWS::DynamoDB::Table";
const NAME_LENGTH_MAX = 255;
const MISSING = ["ResourceNotFoundException", "TableNotFoundException"];
/** Between looks at a table that is being made, changed or removed. */
const LOOK_MS = 500;

export const TABLE: Handler = {
  service: "dynamodb",
  type: describeType(TYPE, {
    without: [
      "ContributorInsightsSpecification",
      "ImportSourceSpecification",
      "KinesisStreamSpecification",
      "ResourcePolicy",
      "VectorIndexes",
      "WarmThroughput",
    ],
  }),
  async create(properties, context) {
    const { services } = context;
    const TableName = textOf(properties, "TableName") ?? context.makeName(NAME_LENGTH_MAX);
    const found = await describe(TableName, context);
    if (found !== null && !isPassedOwn(await tagsNow(found.TableArn, context), context))
      throw takenName(TYPE, "TableName", TableName);
    if (found === null) {
      const Tags = tagList(passedTags(properties["Tags"], context));
      await services.call("dynamodb", "CreateTable", { ...tableInput(properties), TableName, Tags });
    }
    return settle(TableName, async () => {
      await untilActive(TableName, context);
      await setTimeToLive(TableName, properties, context);
      await setRecovery(TableName, properties, context);
      return madeOf(TableName, context);
    });
  },
  async update({ physicalId: TableName, properties: before }, properties, context) {
    const indexes = [before, properties].map(({ LocalSecondaryIndexes: each }) => each);
    if (indexes[0] !== null && !isDeepStrictEqual(indexes[0], indexes[1]))
      throw new HandlerError("Local secondary indexes can't be changed: give the table another TableName.");
    const input = tableInput(properties);
    await setBasics(TableName, input, context);
    await setStream(TableName, input, context);
    await setIndexes(TableName, input, context);
    await setTimeToLive(TableName, properties, context);
    await setRecovery(TableName, properties, context);
    await setTags(TableName, properties, context);
    return madeOf(TableName, context);
  },
  async remove({ physicalId: TableName }, context) {
    await context.until(async () => {
      const found = await describe(TableName, context);
      if (found === null) return true;
      // One that is being made or changed can't be removed yet.
      const asked =
        found.TableStatus === "DELETING" ? null : context.services.call("dynamodb", "DeleteTable", { TableName });
      if (asked !== null) await unless([...MISSING, "ResourceInUseException"], asked);
      return null;
    }, LOOK_MS);
  },
};

async function describe(TableName: string, { services }: HandlerContext): Promise<Table | null> {
  const found = await unless(MISSING, services.call("dynamodb", "DescribeTable", { TableName }));
  return found === null ? null : (found["Table"] as Table);
}

/** The table and all of its indexes. */
function untilActive(TableName: string, context: HandlerContext): Promise<Table> {
  return context.until(async () => {
    const table = await describe(TableName, context);
    if (table === null) throw new HandlerError(`The table ${TableName} is not there any more`);
    const states = [table.TableStatus, ...(table.GlobalSecondaryIndexes ?? []).map(({ IndexStatus }) => IndexStatus)];
    return states.every((state) => state === undefined || state === "ACTIVE") ? table : null;
  }, LOOK_MS);
}

async function update(TableName: string, change: object, context: HandlerContext): Promise<void> {
  await context.services.call("dynamodb", "UpdateTable", { TableName, ...change });
}

async function setBasics(TableName: string, input: TableInput, context: HandlerContext): Promise<void> {
  const now = await untilActive(TableName, context);
  const mode = now.BillingModeSummary?.BillingMode ?? "PROVISIONED";
  const isModeChanged = mode !== input.BillingMode;
  const isThroughputChanged =
    input.ProvisionedThroughput !== undefined &&
    (isModeChanged || !isWithin(input.ProvisionedThroughput, now.ProvisionedThroughput));
  const change = {
    ...(isModeChanged ? { BillingMode: input.BillingMode } : {}),
    ...(isThroughputChanged ? { ProvisionedThroughput: input.ProvisionedThroughput } : {}),
    ...(isWithin(input.OnDemandThroughput, now.OnDemandThroughput)
      ? {}
      : { OnDemandThroughput: input.OnDemandThroughput }),
    ...(input.DeletionProtectionEnabled === (now.DeletionProtectionEnabled ?? false)
      ? {}
      : { DeletionProtectionEnabled: input.DeletionProtectionEnabled }),
    ...(input.TableClass === (now.TableClassSummary?.TableClass ?? "STANDARD") ? {} : { TableClass: input.TableClass }),
  };
  if (Object.keys(change).length > 0) await update(TableName, change, context);
  await setEncryption(TableName, input, context);
}

async function setEncryption(TableName: string, input: TableInput, context: HandlerContext): Promise<void> {
  const { SSEDescription: now } = await untilActive(TableName, context);
  const isOn = now?.Status === "ENABLED" || now?.Status === "ENABLING";
  const { SSESpecification: wanted } = input;
  const isSame =
    (wanted?.["Enabled"] ?? false) === isOn &&
    (wanted?.["KMSMasterKeyId"] === undefined || wanted["KMSMasterKeyId"] === now?.KMSMasterKeyArn);
  if (!isSame) await update(TableName, { SSESpecification: wanted ?? { Enabled: false } }, context);
}

/** Another view is another stream: the old one ends first. */
async function setStream(TableName: string, input: TableInput, context: HandlerContext): Promise<void> {
  const now = await untilActive(TableName, context);
  const before = now.StreamSpecification?.StreamEnabled === true ? now.StreamSpecification.StreamViewType : undefined;
  const after = input.StreamSpecification?.StreamViewType;
  if (before === after) return;
  if (before !== undefined) await update(TableName, { StreamSpecification: { StreamEnabled: false } }, context);
  if (after === undefined) return;
  await untilActive(TableName, context);
  await update(TableName, { StreamSpecification: input.StreamSpecification }, context);
}

/** One change of one index at a time, as DynamoDB takes them. */
async function setIndexes(TableName: string, input: TableInput, context: HandlerContext): Promise<void> {
  const isSame = (wanted: Index, now: Index): boolean =>
    isDeepStrictEqual(wanted.KeySchema, now.KeySchema) && isWithin(wanted.Projection, now.Projection);
  const isThroughputSame = (wanted: Index, now: Index): boolean =>
    isWithin(wanted.ProvisionedThroughput, now.ProvisionedThroughput) &&
    isWithin(wanted.OnDemandThroughput, now.OnDemandThroughput);
  for (;;) {
    const now = await untilActive(TableName, context);
    const step = indexStep(input, now.GlobalSecondaryIndexes ?? [], { isSame, isThroughputSame });
    if (step === null) return;
    const AttributeDefinitions = input.AttributeDefinitions;
    await update(TableName, { AttributeDefinitions, GlobalSecondaryIndexUpdates: [step] }, context);
  }
}

async function setTimeToLive(TableName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const found = await services.call("dynamodb", "DescribeTimeToLive", { TableName });
  const { TimeToLiveStatus: status, AttributeName: now } = (found["TimeToLiveDescription"] ?? {}) as Tags;
  const before = status === "ENABLED" || status === "ENABLING" ? (now ?? null) : null;
  const wanted = mapOf(properties, "TimeToLiveSpecification");
  const isOn = wanted !== null && booleanOf(wanted, "Enabled") === true;
  const after = isOn ? textOf(wanted, "AttributeName") : null;
  if (before === after) return;
  const set = (AttributeName: string, Enabled: boolean) =>
    services.call("dynamodb", "UpdateTimeToLive", {
      TableName,
      TimeToLiveSpecification: { AttributeName, Enabled },
    });
  if (before !== null) await set(before, false);
  if (after !== null) await set(after, true);
}

async function setRecovery(TableName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const wanted = mapOf(properties, "PointInTimeRecoverySpecification");
  const isOn = wanted !== null && booleanOf(wanted, "PointInTimeRecoveryEnabled") === true;
  const found = await services.call("dynamodb", "DescribeContinuousBackups", { TableName }).catch((error: unknown) => {
    // Services of a developer's machine have none: that is only wrong where some are wanted.
    if (isOn) throw error;
    return {};
  });
  const { PointInTimeRecoveryDescription: now } = ((found as Readonly<Record<string, unknown>>)[
    "ContinuousBackupsDescription"
  ] ?? {}) as { readonly PointInTimeRecoveryDescription?: { readonly PointInTimeRecoveryStatus?: string } };
  if ((now?.PointInTimeRecoveryStatus === "ENABLED") === isOn) return;
  const days = wanted === null ? null : textOf(wanted, "RecoveryPeriodInDays");
  const PointInTimeRecoverySpecification = given({
    PointInTimeRecoveryEnabled: isOn,
    RecoveryPeriodInDays: days === null ? null : Number(days),
  });
  await services.call("dynamodb", "UpdateContinuousBackups", { TableName, PointInTimeRecoverySpecification });
}

async function setTags(TableName: string, properties: TemplateMap, context: HandlerContext): Promise<void> {
  const { services } = context;
  const { TableArn: ResourceArn } = await untilActive(TableName, context);
  const borne = await tagsNow(ResourceArn, context);
  const { set, gone } = passedTagChanges(borne, passedTags(properties["Tags"], context));
  if (Object.keys(set).length > 0) await services.call("dynamodb", "TagResource", { ResourceArn, Tags: tagList(set) });
  if (gone.length > 0) await services.call("dynamodb", "UntagResource", { ResourceArn, TagKeys: gone });
}

async function tagsNow(ResourceArn: string, { services }: HandlerContext): Promise<Tags> {
  return tagsOfList((await services.call("dynamodb", "ListTagsOfResource", { ResourceArn }))["Tags"]);
}

async function madeOf(TableName: string, context: HandlerContext): Promise<Made> {
  const { TableArn: Arn, LatestStreamArn, StreamSpecification } = await untilActive(TableName, context);
  const isOn = StreamSpecification?.StreamEnabled === true && LatestStreamArn !== undefined;
  return { physicalId: TableName, attributes: { Arn, ...(isOn ? { StreamArn: LatestStreamArn } : {}) } };
}

/** Whether all that is wanted is so; what the service says besides counts for nothing. */
function isWithin(wanted: object | undefined, now: object | undefined): boolean {
  const there = (now ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(wanted ?? {}).every(([name, value]) => isDeepStrictEqual(value, there[name]));
}
