/** AWS::ECR::Repository, recorded by ECR's own operations. */
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext, Made } from "./handler.ts";
import {
  booleanOf,
  documentOf,
  given,
  isOwn,
  mapOf,
  settle,
  type Tag,
  tagsOf,
  takenName,
  textOf,
  unless,
} from "./values.ts";

const TYPE = "AWS::ECR::Repository";
const NAME_LENGTH_MAX = 256;

export const REPOSITORY: Handler = {
  type: describeType(TYPE, {
    kind: "recorded",
    without: ["EncryptionConfiguration", "ImageTagMutabilityExclusionFilters"],
  }),
  async create(properties, context) {
    const repositoryName = textOf(properties, "RepositoryName") ?? context.makeName(NAME_LENGTH_MAX, { isLower: true });
    const input = { repositoryName, tags: tagsOf(properties, context) };
    const asked = context.services.call("ecr", "CreateRepository", input);
    const made = await unless(["RepositoryAlreadyExistsException"], asked);
    if (made === null && !isOwn(await tagsNow(repositoryName, context), context))
      throw takenName(TYPE, "RepositoryName", repositoryName);
    return settle(repositoryName, () => configure(repositoryName, properties, context));
  },
  async update({ physicalId }, properties, context) {
    const { services } = context;
    const repository = { repositoryName: physicalId };
    const without = async (name: string, operation: string, missing: string): Promise<void> => {
      if (properties[name] === undefined) await unless([missing], services.call("ecr", operation, repository));
    };
    await without("LifecyclePolicy", "DeleteLifecyclePolicy", "LifecyclePolicyNotFoundException");
    await without("RepositoryPolicyText", "DeleteRepositoryPolicy", "RepositoryPolicyNotFoundException");
    const resourceArn = arnOf(physicalId, context);
    const tags = tagsOf(properties, context);
    const kept = new Set(tags.map(({ Key }) => Key));
    const tagKeys = (await tagsNow(physicalId, context)).flatMap(({ Key }) => (kept.has(Key) ? [] : [Key]));
    if (tagKeys.length > 0) await services.call("ecr", "UntagResource", { resourceArn, tagKeys });
    if (tags.length > 0) await services.call("ecr", "TagResource", { resourceArn, tags });
    return configure(physicalId, properties, context);
  },
  async remove({ physicalId }, { services }) {
    const call = services.call("ecr", "DeleteRepository", { repositoryName: physicalId, force: true });
    await unless(["RepositoryNotFoundException"], call);
  },
};

async function configure(repositoryName: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const put = (operation: string, members: object): Promise<unknown> =>
    context.services.call("ecr", operation, { repositoryName, ...members });
  const scanning = mapOf(properties, "ImageScanningConfiguration") ?? {};
  const scanOnPush = booleanOf(scanning, "ScanOnPush") ?? false;
  await put("PutImageScanningConfiguration", { imageScanningConfiguration: { scanOnPush } });
  await put("PutImageTagMutability", { imageTagMutability: textOf(properties, "ImageTagMutability") ?? "MUTABLE" });
  const lifecycle = given({
    lifecyclePolicyText: textOf(mapOf(properties, "LifecyclePolicy") ?? {}, "LifecyclePolicyText"),
  });
  if (Object.keys(lifecycle).length > 0) await put("PutLifecyclePolicy", lifecycle);
  if (isTemplateMap(properties["RepositoryPolicyText"]) || typeof properties["RepositoryPolicyText"] === "string")
    await put("SetRepositoryPolicy", { policyText: documentOf(properties, "RepositoryPolicyText") });
  const { accountId, region } = context.scope;
  const RepositoryUri = `${accountId}.dkr.ecr.${region}.amazonaws.com/${repositoryName}`;
  return { physicalId: repositoryName, attributes: { Arn: arnOf(repositoryName, context), RepositoryUri } };
}

async function tagsNow(name: string, context: HandlerContext): Promise<readonly Tag[]> {
  const asked = context.services.call("ecr", "ListTagsForResource", { resourceArn: arnOf(name, context) });
  return ((await unless(["RepositoryNotFoundException"], asked))?.["tags"] ?? []) as readonly Tag[];
}

function arnOf(name: string, { scope }: HandlerContext): string {
  return `arn:aws:ecr:${scope.region}:${scope.accountId}:repository/${name}`;
}
