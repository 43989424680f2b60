/**
 * `Custom::S3BucketNotifications`, by which the CDK sets a bucket's notifications. Its own function would ask AWS's S3,
 * and is made, but never called: what it does is done here, with the S3 of the scope.
 * https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_s3_notifications-readme.html
 */
import { createHash } from "node:crypto";
import { isTemplateList, isTemplateMap, type TemplateMap } from "@thaw/template/value";
import type { CallOutput } from "../../ports/service-calls.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "./handler.ts";
import { booleanOf, mapOf, textOf, unless } from "./values.ts";

const LISTS = ["LambdaFunctionConfigurations", "QueueConfigurations", "TopicConfigurations"];
const TO_BUS = "EventBridgeConfiguration";

export const CDK_NOTIFICATIONS: Handler = {
  type: {
    name: "Custom::S3BucketNotifications",
    kind: "real",
    properties: { "*": "update" },
    required: ["BucketName", "NotificationConfiguration"],
    attributes: null,
    nameProperty: null,
    isTaggable: false,
    canSnapshot: false,
  },
  create: (properties, context) => put(properties, mapOf(properties, "NotificationConfiguration") ?? {}, context),
  update: (_existing, properties, context) =>
    put(properties, mapOf(properties, "NotificationConfiguration") ?? {}, context),
  async remove({ properties }, context) {
    await unless(["NoSuchBucket"], put(properties, {}, context));
  },
};

/** Another bucket has another id: the engine then takes the old one's notifications away. */
async function put(properties: TemplateMap, wanted: TemplateMap, context: HandlerContext): Promise<Made> {
  const { services, stackId } = context;
  const Bucket = textOf(properties, "BucketName") ?? "";
  // A bucket that the stack has not made keeps what others have configured.
  const isManaged = booleanOf(properties, "Managed") ?? true;
  const before = isManaged ? {} : await services.call("s3", "GetBucketNotificationConfiguration", { Bucket });
  const beginning = `${stackId}-`;
  const lists = LISTS.map((list) => {
    const kept = rulesOf(before, list).filter(({ Id }) => !String(Id).startsWith(beginning));
    const own = rulesOf(wanted, list).map((rule) => (isManaged ? rule : { ...rule, Id: idOf(beginning, rule) }));
    return [list, [...kept, ...own]] as const;
  });
  const isToBus = wanted[TO_BUS] !== undefined || (!isManaged && before[TO_BUS] !== undefined);
  await services.call("s3", "PutBucketNotificationConfiguration", {
    Bucket,
    NotificationConfiguration: {
      ...Object.fromEntries(lists.filter(([, rules]) => rules.length > 0)),
      ...(isToBus ? { [TO_BUS]: {} } : {}),
    },
    ...(booleanOf(properties, "SkipDestinationValidation") === true ? { SkipDestinationValidation: true } : {}),
  });
  return { physicalId: `${Bucket}-notifications` };
}

function rulesOf(configuration: TemplateMap | CallOutput, list: string): readonly TemplateMap[] {
  const rules = configuration[list] ?? [];
  if (!isTemplateList(rules as never) || !(rules as readonly unknown[]).every((each) => isTemplateMap(each as never)))
    throw new HandlerError(`NotificationConfiguration: ${list} must be a list of maps.`);
  return rules as readonly TemplateMap[];
}

/** The same for the same rule: what is put again stays one. */
function idOf(beginning: string, rule: TemplateMap): string {
  return `${beginning}${createHash("sha256").update(JSON.stringify(rule)).digest("hex").slice(0, 32)}`;
}
