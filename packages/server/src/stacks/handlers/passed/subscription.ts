/** AWS::SNS::Subscription, at the endpoint of SNS; those of functions are subscribed by Thaw itself. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "../describe-type.ts";
import { type Handler, type HandlerContext, HandlerError } from "../handler.ts";
import { given, textOf, unless } from "../values.ts";
import { jsonOf } from "./passed.ts";

const MISSING = ["NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"];
/** Attributes, with what each is set to where a template has it no more. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  // The scope goes first: a policy is judged by it.
  FilterPolicyScope: "MessageAttributes",
  FilterPolicy: "{}",
  DeliveryPolicy: "",
  RawMessageDelivery: "false",
  RedrivePolicy: "",
};

export const SUBSCRIPTION: Handler = {
  service: "sns",
  type: describeType("AWS::SNS::Subscription", { without: ["ReplayPolicy", "SubscriptionRoleArn"] }),
  async create(properties, context) {
    checkRegion(properties, context);
    // One that is there is given again.
    const { SubscriptionArn } = await context.services.call("sns", "Subscribe", {
      TopicArn: textOf(properties, "TopicArn"),
      Protocol: textOf(properties, "Protocol"),
      ...given({ Endpoint: textOf(properties, "Endpoint") }),
      Attributes: attributesOf(properties),
      ReturnSubscriptionArn: true,
    });
    return madeOf(String(SubscriptionArn));
  },
  async update({ physicalId, properties: before }, properties, context) {
    checkRegion(properties, context);
    const after = attributesOf(properties);
    for (const [AttributeName, otherwise] of Object.entries(ATTRIBUTES)) {
      const AttributeValue = after[AttributeName] ?? otherwise;
      if (jsonOf(before[AttributeName]) === jsonOf(properties[AttributeName])) continue;
      await context.services.call("sns", "SetSubscriptionAttributes", {
        SubscriptionArn: physicalId,
        AttributeName,
        AttributeValue,
      });
    }
    return madeOf(physicalId);
  },
  async remove({ physicalId }, { services }) {
    await unless(MISSING, services.call("sns", "Unsubscribe", { SubscriptionArn: physicalId }));
  },
};

function madeOf(arn: string) {
  return { physicalId: arn, attributes: { Arn: arn } };
}

function attributesOf(properties: TemplateMap): Readonly<Record<string, string>> {
  const texts = Object.keys(ATTRIBUTES).map((name) => [name, jsonOf(properties[name])] as const);
  return Object.fromEntries(texts.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function checkRegion(properties: TemplateMap, { scope }: HandlerContext): void {
  const region = textOf(properties, "Region");
  if (region !== null && region !== scope.region)
    throw new HandlerError(`Region must be ${scope.region}: topics of other Regions can't be subscribed.`);
}
