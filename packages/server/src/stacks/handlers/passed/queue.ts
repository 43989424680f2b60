/** AWS::SQS::Queue and its policies, at the endpoint of SQS. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "../describe-type.ts";
import type { Handler, HandlerContext, Made } from "../handler.ts";
import type { Tags } from "../own.ts";
import { booleanOf, settle, takenName, textOf, textsOf, unless } from "../values.ts";
import { goneOf, isPassedOwn, jsonOf, passedTagChanges, passedTags } from "./passed.ts";

const TYPE = "AWS::SQS::Queue";
const NAME_LENGTH_MAX = 80;
const FIFO = ".fifo";
const MISSING = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"];
/** Policies are documents of queues, which the service has as texts. */
const DOCUMENTS = ["RedrivePolicy", "RedriveAllowPolicy"];
/**
 * What a queue has where a template says nothing.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  ContentBasedDeduplication: "false",
  DeduplicationScope: "queue",
  DelaySeconds: "0",
  FifoThroughputLimit: "perQueue",
  KmsDataKeyReusePeriodSeconds: "300",
  KmsMasterKeyId: "",
  MaximumMessageSize: "262144",
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
  RedriveAllowPolicy: "",
  RedrivePolicy: "",
  SqsManagedSseEnabled: "true",
  VisibilityTimeout: "30",
};

const QUEUE: Handler = {
  service: "sqs",
  type: describeType(TYPE),
  async create(properties, context) {
    const { services } = context;
    const QueueName = nameOf(properties, context);
    const Attributes = attributesOf(properties);
    const found = await unless(MISSING, services.call("sqs", "GetQueueUrl", { QueueName }));
    if (found === null) {
      const isFifo = booleanOf(properties, "FifoQueue") === true;
      const made = await services.call("sqs", "CreateQueue", {
        QueueName,
        Attributes: { ...Attributes, ...(isFifo ? { FifoQueue: "true" } : {}) },
        tags: passedTags(properties["Tags"], context),
      });
      const url = String(made["QueueUrl"]);
      return settle(url, () => madeOf(url, context));
    }
    const url = String(found["QueueUrl"]);
    if (!isPassedOwn(await tagsNow(url, context), context)) throw takenName(TYPE, "QueueName", QueueName);
    return settle(url, () => configure(url, Attributes, properties, context));
  },
  async update({ physicalId, properties: before }, properties, context) {
    const gone = goneOf(before, properties, Object.keys(DEFAULTS)).map((name) => [name, DEFAULTS[name] ?? ""]);
    return configure(physicalId, { ...Object.fromEntries(gone), ...attributesOf(properties) }, properties, context);
  },
  async remove({ physicalId }, { services }) {
    await unless(MISSING, services.call("sqs", "DeleteQueue", { QueueUrl: physicalId }));
  },
};

function nameOf(properties: TemplateMap, context: HandlerContext): string {
  const given = textOf(properties, "QueueName");
  if (given !== null) return given;
  const isFifo = booleanOf(properties, "FifoQueue") === true;
  return isFifo ? `${context.makeName(NAME_LENGTH_MAX - FIFO.length)}${FIFO}` : context.makeName(NAME_LENGTH_MAX);
}

/** Those that can be changed. */
function attributesOf(properties: TemplateMap): Readonly<Record<string, string>> {
  const texts = Object.keys(DEFAULTS).map((name) => {
    const value = DOCUMENTS.includes(name) ? jsonOf(properties[name]) : textOf(properties, name);
    return [name, value] as const;
  });
  return Object.fromEntries(texts.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

async function configure(
  QueueUrl: string,
  Attributes: Readonly<Record<string, string>>,
  properties: TemplateMap,
  context: HandlerContext,
): Promise<Made> {
  const { services } = context;
  if (Object.keys(Attributes).length > 0) await services.call("sqs", "SetQueueAttributes", { QueueUrl, Attributes });
  const after = passedTags(properties["Tags"], context);
  const { set, gone } = passedTagChanges(await tagsNow(QueueUrl, context), after);
  if (Object.keys(set).length > 0) await services.call("sqs", "TagQueue", { QueueUrl, Tags: set });
  if (gone.length > 0) await services.call("sqs", "UntagQueue", { QueueUrl, TagKeys: gone });
  return madeOf(QueueUrl, context);
}

/** The ARN is the endpoint's: its account is not always that of the stack. */
async function madeOf(QueueUrl: string, { services }: HandlerContext): Promise<Made> {
  const found = await services.call("sqs", "GetQueueAttributes", { QueueUrl, AttributeNames: ["QueueArn"] });
  const Arn = (found["Attributes"] as Tags | undefined)?.["QueueArn"] ?? "";
  return { physicalId: QueueUrl, attributes: { Arn, QueueName: Arn.slice(Arn.lastIndexOf(":") + 1), QueueUrl } };
}

async function tagsNow(QueueUrl: string, { services }: HandlerContext): Promise<Tags> {
  return ((await services.call("sqs", "ListQueueTags", { QueueUrl }))["Tags"] ?? {}) as Tags;
}

/** One policy for several queues. */
const QUEUE_POLICY: Handler = {
  service: "sqs",
  type: describeType("AWS::SQS::QueuePolicy"),
  async create(properties, context) {
    const physicalId = context.makeName(NAME_LENGTH_MAX);
    return settle(physicalId, () => putPolicies(physicalId, properties, context));
  },
  async update({ physicalId, properties: before }, properties, context) {
    const kept = new Set(textsOf(properties, "Queues"));
    await removePolicies(
      queuesOf(before).filter((url) => !kept.has(url)),
      context,
    );
    return putPolicies(physicalId, properties, context);
  },
  remove: ({ properties }, context) => removePolicies(queuesOf(properties), context),
};

/** None where a failed update left nothing that is known. */
function queuesOf(properties: TemplateMap): readonly string[] {
  return properties["Queues"] === null ? [] : textsOf(properties, "Queues");
}

async function putPolicies(physicalId: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  for (const url of textsOf(properties, "Queues")) await putPolicy(url, properties, context);
  return { physicalId, attributes: { Id: physicalId } };
}

async function putPolicy(QueueUrl: string, properties: TemplateMap, { services }: HandlerContext): Promise<void> {
  const Attributes = { Policy: jsonOf(properties["PolicyDocument"]) ?? "" };
  await services.call("sqs", "SetQueueAttributes", { QueueUrl, Attributes });
}

async function removePolicies(urls: readonly string[], { services }: HandlerContext): Promise<void> {
  const Attributes = { Policy: "" };
  for (const QueueUrl of urls)
    await unless(MISSING, services.call("sqs", "SetQueueAttributes", { QueueUrl, Attributes }));
}

const QUEUE_INLINE_POLICY: Handler = {
  service: "sqs",
  type: describeType("AWS::SQS::QueueInlinePolicy"),
  async create(properties, context) {
    const url = textOf(properties, "Queue") ?? "";
    await putPolicy(url, properties, context);
    return { physicalId: url };
  },
  async update({ physicalId }, properties, context) {
    await putPolicy(physicalId, properties, context);
    return { physicalId };
  },
  remove: ({ physicalId }, context) => removePolicies([physicalId], context),
};

export const QUEUES: readonly Handler[] = [QUEUE, QUEUE_POLICY, QUEUE_INLINE_POLICY];
