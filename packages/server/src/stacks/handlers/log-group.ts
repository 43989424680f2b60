/** AWS::Logs::LogGroup. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import { given, isOwn, numberOf, settle, tagsOf, takenName, textOf, unless } from "./values.ts";

const TYPE = "AWS::Logs::LogGroup";
const NAME_LENGTH_MAX = 512;

export const LOG_GROUP: Handler = {
  type: describeType(TYPE, {
    without: [
      "BearerTokenAuthenticationEnabled",
      "DataProtectionPolicy",
      "DeletionProtectionEnabled",
      "FieldIndexPolicies",
      "KmsKeyId",
      "ResourcePolicyDocument",
    ],
  }),
  async create(properties, context) {
    const logGroupName = textOf(properties, "LogGroupName") ?? context.makeName(NAME_LENGTH_MAX);
    const input = given({
      logGroupName,
      logGroupClass: textOf(properties, "LogGroupClass"),
      tags: tags(properties, context),
    });
    const made = await unless(
      ["ResourceAlreadyExistsException"],
      context.services.call("logs", "CreateLogGroup", input),
    );
    if (made === null && !isOwn(await tagsNow(logGroupName, context), context))
      throw takenName(TYPE, "LogGroupName", logGroupName);
    return settle(logGroupName, () => setRetention(logGroupName, properties, context));
  },
  async update({ physicalId }, properties, context) {
    const resourceArn = arnOf(physicalId, context);
    const wanted = tags(properties, context);
    const now = await tagsNow(physicalId, context);
    const tagKeys = now.flatMap(({ Key }) => (Object.hasOwn(wanted, Key) ? [] : [Key]));
    if (tagKeys.length > 0) await context.services.call("logs", "UntagResource", { resourceArn, tagKeys });
    if (Object.keys(wanted).length > 0)
      await context.services.call("logs", "TagResource", { resourceArn, tags: wanted });
    return setRetention(physicalId, properties, context);
  },
  async remove({ physicalId }, { services }) {
    const call = services.call("logs", "DeleteLogGroup", { logGroupName: physicalId });
    await unless(["ResourceNotFoundException"], call);
  },
};

async function setRetention(name: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const retentionInDays = numberOf(properties, "RetentionInDays");
  const { services } = context;
  await (retentionInDays === null
    ? services.call("logs", "DeleteRetentionPolicy", { logGroupName: name })
    : services.call("logs", "PutRetentionPolicy", { logGroupName: name, retentionInDays }));
  return { physicalId: name, attributes: { Arn: `${arnOf(name, context)}:*` } };
}

function tags(properties: TemplateMap, context: HandlerContext): Readonly<Record<string, string>> {
  return Object.fromEntries(tagsOf(properties, context).map(({ Key, Value }) => [Key, Value]));
}

async function tagsNow(logGroupName: string, { services }: HandlerContext) {
  const { tags: found } = await services.call("logs", "ListTagsLogGroup", { logGroupName });
  return Object.entries((found ?? {}) as Readonly<Record<string, string>>).map(([Key, Value]) => ({ Key, Value }));
}

function arnOf(name: string, { scope }: HandlerContext): string {
  return `arn:aws:logs:${scope.region}:${scope.accountId}:log-group:${name}`;
}
