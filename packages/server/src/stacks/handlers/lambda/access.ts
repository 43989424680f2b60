/** AWS::Lambda::Permission, AWS::Lambda::Url, AWS::Lambda::EventInvokeConfig and AWS::Lambda::CodeSigningConfig */
import type { TemplateMap } from "@thaw/template/value";
import type { CallInput } from "../../../ports/service-calls.ts";
import { describeType } from "../describe-type.ts";
import type { Handler, HandlerContext, Made } from "../handler.ts";
import { GONE, isOwn, isRefusal, pick, tagChanges, tagsOf, textOf } from "../own.ts";
import { unless } from "../values.ts";

const STATEMENT_ID_LENGTH_MAX = 100;

export const PERMISSION: Handler = {
  type: describeType("AWS::Lambda::Permission"),

  async create(properties, context) {
    const id = context.makeName(STATEMENT_ID_LENGTH_MAX);
    try {
      await context.services.call("lambda", "AddPermission", { ...properties, StatementId: id });
    } catch (error) {
      // The id is made of the action's token.
      if (!context.isRetry || !isRefusal(error, "ResourceConflictException")) throw error;
    }
    return { physicalId: id, attributes: { Id: id } };
  },

  update: async ({ physicalId, attributes }) => ({ physicalId, attributes }),

  async remove({ physicalId, properties }, { services }) {
    const input = { FunctionName: properties["FunctionName"], StatementId: physicalId };
    await unless(GONE, services.call("lambda", "RemovePermission", input));
  },
};

export const URL: Handler = {
  type: describeType("AWS::Lambda::Url"),

  async create(properties, context) {
    const input = urlInput(properties);
    try {
      return urlMade(await context.services.call("lambda", "CreateFunctionUrlConfig", input));
    } catch (error) {
      if (!context.isRetry || !isRefusal(error, "ResourceConflictException")) throw error;
      return urlMade(await context.services.call("lambda", "UpdateFunctionUrlConfig", input));
    }
  },

  async update(_existing, properties, { services }) {
    // What went is taken back.
    const input = { InvokeMode: "BUFFERED", Cors: {}, ...urlInput(properties) };
    return urlMade(await services.call("lambda", "UpdateFunctionUrlConfig", input));
  },

  async remove({ properties }, { services }) {
    const { FunctionName, Qualifier } = urlInput(properties);
    const of = { FunctionName, ...(Qualifier === undefined ? {} : { Qualifier }) };
    await unless(GONE, services.call("lambda", "DeleteFunctionUrlConfig", of));
  },
};

function urlInput(properties: TemplateMap): CallInput {
  const { TargetFunctionArn: target, ...rest } = properties;
  return { FunctionName: target, ...rest };
}

function urlMade(config: CallInput): Made {
  const arn = textOf(config["FunctionArn"]);
  return { physicalId: arn, attributes: { FunctionArn: arn, FunctionUrl: textOf(config["FunctionUrl"]) } };
}

export const EVENT_INVOKE_CONFIG: Handler = {
  type: describeType("AWS::Lambda::EventInvokeConfig"),
  create: (properties, context) => putEventInvokeConfig(properties, context),
  update: (_existing, properties, context) => putEventInvokeConfig(properties, context),

  async remove({ properties }, { services }) {
    const of = pick(properties, ["FunctionName", "Qualifier"]);
    await unless(GONE, services.call("lambda", "DeleteFunctionEventInvokeConfig", of));
  },
};

async function putEventInvokeConfig(properties: TemplateMap, { services }: HandlerContext): Promise<Made> {
  await services.call("lambda", "PutFunctionEventInvokeConfig", properties);
  return { physicalId: `${String(properties["FunctionName"])}|${String(properties["Qualifier"])}` };
}

const SIGNING = ["Description", "AllowedPublishers", "CodeSigningPolicies"];

export const CODE_SIGNING_CONFIG: Handler = {
  type: describeType("AWS::Lambda::CodeSigningConfig"),

  async create(properties, context) {
    const before = context.isRetry ? await ownSigningConfig(context) : null;
    if (before !== null) return signingMade(before);
    const input = { ...pick(properties, SIGNING), Tags: tagsOf(properties["Tags"], context) };
    const made = await context.services.call("lambda", "CreateCodeSigningConfig", input);
    return signingMade(made["CodeSigningConfig"] as CallInput);
  },

  async update({ physicalId: arn }, properties, context) {
    const { services } = context;
    const made = await services.call("lambda", "UpdateCodeSigningConfig", {
      CodeSigningConfigArn: arn,
      Description: "",
      CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Warn" },
      ...pick(properties, SIGNING),
    });
    const { Tags: borne } = await services.call("lambda", "ListTags", { Resource: arn });
    const { set, gone } = tagChanges(borne, tagsOf(properties["Tags"], context));
    if (Object.keys(set).length > 0) await services.call("lambda", "TagResource", { Resource: arn, Tags: set });
    if (gone.length > 0) await services.call("lambda", "UntagResource", { Resource: arn, TagKeys: gone });
    return signingMade(made["CodeSigningConfig"] as CallInput);
  },

  async remove({ physicalId }, { services }) {
    await unless(GONE, services.call("lambda", "DeleteCodeSigningConfig", { CodeSigningConfigArn: physicalId }));
  },
};

/** The one that bears this resource's tags: made before a crash. */
async function ownSigningConfig(context: HandlerContext): Promise<CallInput | null> {
  const { services } = context;
  let marker: unknown;
  do {
    const page = await services.call(
      "lambda",
      "ListCodeSigningConfigs",
      marker === undefined ? {} : { Marker: marker },
    );
    for (const each of page["CodeSigningConfigs"] as readonly CallInput[]) {
      const { Tags: tags } = await services.call("lambda", "ListTags", { Resource: each["CodeSigningConfigArn"] });
      if (isOwn(tags, context)) return each;
    }
    marker = page["NextMarker"];
  } while (marker !== undefined);
  return null;
}

function signingMade(config: CallInput): Made {
  const arn = textOf(config["CodeSigningConfigArn"]);
  return {
    physicalId: arn,
    attributes: { CodeSigningConfigArn: arn, CodeSigningConfigId: textOf(config["CodeSigningConfigId"]) },
  };
}
