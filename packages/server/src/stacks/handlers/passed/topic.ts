/** AWS::SNS::Topic and its policies, at the endpoint of SNS. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "../handler.ts";
import type { Tags } from "../own.ts";
import { booleanOf, mapsOf, settle, takenName, textOf, textsOf, unless } from "../values.ts";
import { goneOf, isPassedOwn, jsonOf, passedTagChanges, passedTags, tagList, tagsOfList } from "./passed.ts";

const TYPE = "AWS::SNS::Topic";
const NAME_LENGTH_MAX = 256;
const FIFO = ".fifo";
const MISSING = ["NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"];
/**
 * What a topic has where a template says nothing.
 * https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  ArchivePolicy: "{}",
  ContentBasedDeduplication: "false",
  DisplayName: "",
  FifoThroughputScope: "Topic",
  KmsMasterKeyId: "",
  SignatureVersion: "1",
  TracingConfig: "PassThrough",
};

const TOPIC: Handler = {
  service: "sns",
  type: describeType(TYPE, { without: ["DataProtectionPolicy", "DeliveryStatusLogging", "MaximumMessageSize"] }),
  async create(properties, context) {
    const isFifo = booleanOf(properties, "FifoTopic") === true;
    const Name = nameOf(properties, isFifo, context);
    // A topic of that name is given as it is: only its tags say whose it is.
    const made = await context.services.call("sns", "CreateTopic", {
      Name,
      Attributes: { ...attributesOf(properties), ...(isFifo ? { FifoTopic: "true" } : {}) },
      Tags: tagList(passedTags(properties["Tags"], context)),
    });
    const arn = String(made["TopicArn"]);
    if (!isPassedOwn(await tagsNow(arn, context), context)) throw takenName(TYPE, "TopicName", Name);
    return settle(arn, async () => {
      await subscribeAll(arn, subscriptionsOf(properties), context);
      return madeOf(arn);
    });
  },
  async update({ physicalId, properties: before }, properties, context) {
    const { services } = context;
    const gone = goneOf(before, properties, Object.keys(DEFAULTS)).map((name) => [name, DEFAULTS[name] ?? ""]);
    const attributes = { ...Object.fromEntries(gone), ...attributesOf(properties) };
    for (const [AttributeName, AttributeValue] of Object.entries(attributes))
      await services.call("sns", "SetTopicAttributes", { TopicArn: physicalId, AttributeName, AttributeValue });
    const { set, gone: keys } = passedTagChanges(
      await tagsNow(physicalId, context),
      passedTags(properties["Tags"], context),
    );
    if (Object.keys(set).length > 0)
      await services.call("sns", "TagResource", { ResourceArn: physicalId, Tags: tagList(set) });
    if (keys.length > 0) await services.call("sns", "UntagResource", { ResourceArn: physicalId, TagKeys: keys });
    const after = subscriptionsOf(properties);
    await unsubscribe(physicalId, without(subscriptionsOf(before), after), context);
    await subscribeAll(physicalId, after, context);
    return madeOf(physicalId);
  },
  async remove({ physicalId }, { services }) {
    await unless(MISSING, services.call("sns", "DeleteTopic", { TopicArn: physicalId }));
  },
};

interface Subscription {
  readonly Protocol: string;
  readonly Endpoint: string;
}

function nameOf(properties: TemplateMap, isFifo: boolean, context: HandlerContext): string {
  const given = textOf(properties, "TopicName");
  if (given !== null) return given;
  return isFifo ? `${context.makeName(NAME_LENGTH_MAX - FIFO.length)}${FIFO}` : context.makeName(NAME_LENGTH_MAX);
}

function attributesOf(properties: TemplateMap): Readonly<Record<string, string>> {
  const texts = Object.keys(DEFAULTS).map((name) => {
    const value = name === "ArchivePolicy" ? jsonOf(properties[name]) : textOf(properties, name);
    return [name, value] as const;
  });
  return Object.fromEntries(texts.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function madeOf(arn: string): Made {
  return { physicalId: arn, attributes: { TopicArn: arn, TopicName: arn.slice(arn.lastIndexOf(":") + 1) } };
}

async function tagsNow(ResourceArn: string, { services }: HandlerContext): Promise<Tags> {
  return tagsOfList((await services.call("sns", "ListTagsForResource", { ResourceArn }))["Tags"]);
}

function subscriptionsOf(properties: TemplateMap): readonly Subscription[] {
  return mapsOf(properties, "Subscription").map((each) => ({
    Protocol: textOf(each, "Protocol") ?? "",
    Endpoint: textOf(each, "Endpoint") ?? "",
  }));
}

function without(all: readonly Subscription[], kept: readonly Subscription[]): readonly Subscription[] {
  return all.filter((each) => !kept.some((other) => isSame(each, other)));
}

function isSame(one: Subscription, other: Subscription): boolean {
  return one.Protocol === other.Protocol && one.Endpoint === other.Endpoint;
}

async function subscribeAll(TopicArn: string, all: readonly Subscription[], { services }: HandlerContext) {
  if (all.some(({ Protocol }) => Protocol === "lambda"))
    throw new HandlerError("Subscribe a function by AWS::SNS::Subscription: in the topic itself Thaw does not see it.");
  // One that is there is given again.
  for (const each of all) await services.call("sns", "Subscribe", { TopicArn, ...each });
}

async function unsubscribe(TopicArn: string, all: readonly Subscription[], { services }: HandlerContext) {
  if (all.length === 0) return;
  let NextToken: unknown;
  do {
    const page = await services.call("sns", "ListSubscriptionsByTopic", {
      TopicArn,
      ...(NextToken === undefined ? {} : { NextToken }),
    });
    const found = (page["Subscriptions"] ?? []) as ReadonlyArray<Subscription & { readonly SubscriptionArn: string }>;
    for (const { SubscriptionArn, ...each } of found)
      if (all.some((other) => isSame(each, other)) && SubscriptionArn.startsWith("arn:"))
        await services.call("sns", "Unsubscribe", { SubscriptionArn });
    NextToken = page["NextToken"];
  } while (NextToken !== undefined && NextToken !== "");
}

/** One policy for several topics. */
const TOPIC_POLICY: Handler = {
  service: "sns",
  type: describeType("AWS::SNS::TopicPolicy"),
  async create(properties, context) {
    const physicalId = context.makeName(NAME_LENGTH_MAX);
    return settle(physicalId, () => putPolicies(physicalId, properties, context));
  },
  async update({ physicalId, properties: before }, properties, context) {
    const kept = new Set(textsOf(properties, "Topics"));
    const gone = topicsOf(before).filter((arn) => !kept.has(arn));
    for (const arn of gone) await putDefaultPolicy(arn, context);
    return putPolicies(physicalId, properties, context);
  },
  async remove({ properties }, context) {
    for (const arn of topicsOf(properties)) await putDefaultPolicy(arn, context);
  },
};

/** None where a failed update left nothing that is known. */
function topicsOf(properties: TemplateMap): readonly string[] {
  return properties["Topics"] === null ? [] : textsOf(properties, "Topics");
}

async function putPolicies(physicalId: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const policy = jsonOf(properties["PolicyDocument"]) ?? "";
  for (const arn of textsOf(properties, "Topics")) await putPolicy(arn, policy, context);
  return { physicalId, attributes: { Id: physicalId } };
}

async function putPolicy(TopicArn: string, AttributeValue: string, { services }: HandlerContext): Promise<void> {
  await services.call("sns", "SetTopicAttributes", { TopicArn, AttributeName: "Policy", AttributeValue });
}

/** A topic always has a policy: what it has when it is made lets in its owner. */
async function putDefaultPolicy(arn: string, context: HandlerContext): Promise<void> {
  const owner = arn.split(":")[4] ?? "";
  const actions = ["GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"];
  const policy = {
    Version: "2008-10-17",
    Id: "__default_policy_ID",
    Statement: [
      {
        Sid: "__default_statement_ID",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: [...actions, "Subscribe", "ListSubscriptionsByTopic", "Publish"].map((each) => `SNS:${each}`),
        Resource: arn,
        Condition: { StringEquals: { "AWS:SourceOwner": owner } },
      },
    ],
  };
  await unless(MISSING, putPolicy(arn, JSON.stringify(policy), context));
}

const TOPIC_INLINE_POLICY: Handler = {
  service: "sns",
  type: describeType("AWS::SNS::TopicInlinePolicy"),
  async create(properties, context) {
    const arn = textOf(properties, "TopicArn") ?? "";
    await putPolicy(arn, jsonOf(properties["PolicyDocument"]) ?? "", context);
    return { physicalId: arn };
  },
  async update({ physicalId }, properties, context) {
    await putPolicy(physicalId, jsonOf(properties["PolicyDocument"]) ?? "", context);
    return { physicalId };
  },
  remove: ({ physicalId }, context) => putDefaultPolicy(physicalId, context),
};

export const TOPICS: readonly Handler[] = [TOPIC, TOPIC_POLICY, TOPIC_INLINE_POLICY];
