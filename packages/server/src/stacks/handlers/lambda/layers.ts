/** AWS::Lambda::LayerVersion and AWS::Lambda::LayerVersionPermission */
import { createHash } from "node:crypto";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import type { CallInput } from "../../../ports/service-calls.ts";
import { describeType } from "../describe-type.ts";
import type { Handler, HandlerContext, Made } from "../handler.ts";
import { GONE, isRefusal, pick, textOf } from "../own.ts";
import { unless } from "../values.ts";

const NAME_LENGTH_MAX = 140;
const STATEMENT_ID_LENGTH_MAX = 100;
const MEMBERS = ["Content", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"];

export const LAYER_VERSION: Handler = {
  type: describeType("AWS::Lambda::LayerVersion"),

  async create(properties, context) {
    const given = properties["LayerName"];
    const name = given === undefined ? context.makeName(NAME_LENGTH_MAX) : String(given);
    const before = context.isRetry ? await publishedBefore(name, properties, context) : null;
    if (before !== null) return layerMade(before);
    const input = { LayerName: name, ...pick(properties, MEMBERS) };
    return layerMade(textOf((await context.services.call("lambda", "PublishLayerVersion", input))["LayerVersionArn"]));
  },

  update: async ({ physicalId, attributes }) => ({ physicalId, attributes }),

  async remove({ physicalId }, { services }) {
    await unless(GONE, services.call("lambda", "DeleteLayerVersion", versionOf(physicalId)));
  },
};

function layerMade(arn: string): Made {
  return { physicalId: arn, attributes: { LayerVersionArn: arn } };
}

/** A layer bears no tags: the newest version is this one where its content is that of the object. */
async function publishedBefore(
  name: string,
  properties: TemplateMap,
  { services }: HandlerContext,
): Promise<string | null> {
  const content = properties["Content"];
  const found = await unless(GONE, services.call("lambda", "ListLayerVersions", { LayerName: name, MaxItems: 1 }));
  const [newest] = (found?.["LayerVersions"] ?? []) as readonly CallInput[];
  if (newest === undefined || !isTemplateMap(content)) return null;
  const arn = textOf(newest["LayerVersionArn"]);
  const version = await services.call("lambda", "GetLayerVersionByArn", { Arn: arn });
  const object = await services.call("s3", "GetObject", {
    Bucket: content["S3Bucket"],
    Key: content["S3Key"],
    ...(content["S3ObjectVersion"] === undefined ? {} : { VersionId: content["S3ObjectVersion"] }),
  });
  const digest = createHash("sha256")
    .update(object["Body"] as Buffer)
    .digest("base64");
  return (version["Content"] as CallInput)["CodeSha256"] === digest ? arn : null;
}

export const LAYER_VERSION_PERMISSION: Handler = {
  type: describeType("AWS::Lambda::LayerVersionPermission"),

  async create(properties, context) {
    const { LayerVersionArn: arn, ...members } = properties;
    const id = context.makeName(STATEMENT_ID_LENGTH_MAX);
    try {
      await context.services.call("lambda", "AddLayerVersionPermission", {
        ...versionOf(String(arn)),
        ...members,
        StatementId: id,
      });
    } catch (error) {
      if (!context.isRetry || !isRefusal(error, "ResourceConflictException")) throw error;
    }
    return { physicalId: `${String(arn)}#${id}`, attributes: { Id: `${String(arn)}#${id}` } };
  },

  update: async ({ physicalId, attributes }) => ({ physicalId, attributes }),

  async remove({ physicalId }, { services }) {
    const [arn = "", id = ""] = physicalId.split("#");
    const input = { ...versionOf(arn), StatementId: id };
    await unless(GONE, services.call("lambda", "RemoveLayerVersionPermission", input));
  },
};

/** `arn:…:layer:NAME:VERSION` */
function versionOf(arn: string): CallInput {
  const at = arn.lastIndexOf(":");
  return { LayerName: arn.slice(0, at), VersionNumber: arn.slice(at + 1) };
}
