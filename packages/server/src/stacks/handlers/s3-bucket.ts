/** AWS::S3::Bucket and its policy, over the S3 API of the scope. */
import type { TemplateMap } from "@thaw/template/value";
import { describeType } from "./describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "./handler.ts";
import { notificationsOf } from "./s3-notifications.ts";
import { lifecycleOf } from "./s3-lifecycle.ts";
import {
  booleanOf,
  documentOf,
  given,
  isOwn,
  mapOf,
  mapsOf,
  settle,
  type Tag,
  tagsOf,
  takenName,
  textOf,
  unless,
} from "./values.ts";

const TYPE = "AWS::S3::Bucket";
const NAME_LENGTH_MAX = 63;
/** Canned ACLs that let nobody in. */
const PRIVATE: readonly (string | null)[] = [null, "Private", "BucketOwnerRead", "BucketOwnerFullControl"];

const BUCKET: Handler = {
  type: describeType(TYPE, {
    without: [
      "AbacStatus",
      "AccelerateConfiguration",
      "AnalyticsConfigurations",
      "BucketNamePrefix",
      "BucketNamespace",
      "CorsConfiguration",
      "IntelligentTieringConfigurations",
      "InventoryConfigurations",
      "LoggingConfiguration",
      "MetadataConfiguration",
      "MetadataTableConfiguration",
      "MetricsConfigurations",
      "ObjectLockConfiguration",
      "ObjectLockEnabled",
      "ReplicationConfiguration",
      "WebsiteConfiguration",
    ],
    attributes: ["Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"],
  }),
  async create(properties, context) {
    const Bucket = textOf(properties, "BucketName") ?? context.makeName(NAME_LENGTH_MAX, { isLower: true });
    const { services, scope } = context;
    const found = await unless(["NoSuchBucket", "NotFound"], services.call("s3", "HeadBucket", { Bucket }));
    if (found !== null && !isOwn(await tagsNow(Bucket, context), context)) throw takenName(TYPE, "BucketName", Bucket);
    if (found === null) {
      // The tags come with the bucket: a server that finds it after a crash knows whose it is.
      const place = scope.region === "us-east-1" ? {} : { LocationConstraint: scope.region };
      const CreateBucketConfiguration = { ...place, Tags: tagsOf(properties, context) };
      await services.call("s3", "CreateBucket", { Bucket, CreateBucketConfiguration });
    }
    return settle(Bucket, () => configure(Bucket, properties, context));
  },
  async update({ physicalId, properties: before }, properties, context) {
    const { services } = context;
    const wasEnabled = statusOf(before) === "Enabled";
    if (wasEnabled && statusOf(properties) === null)
      await services.call("s3", "PutBucketVersioning", {
        Bucket: physicalId,
        VersioningConfiguration: { Status: "Suspended" },
      });
    for (const [name, remove] of REMOVALS)
      if (before[name] !== undefined && properties[name] === undefined)
        await services.call("s3", remove, { Bucket: physicalId });
    if (before["NotificationConfiguration"] !== undefined && properties["NotificationConfiguration"] === undefined)
      await services.call("s3", "PutBucketNotificationConfiguration", {
        Bucket: physicalId,
        NotificationConfiguration: {},
      });
    return configure(physicalId, properties, context);
  },
  async remove({ physicalId }, { services }) {
    await unless(["NoSuchBucket"], services.call("s3", "DeleteBucket", { Bucket: physicalId }));
  },
};

/** What a property that has gone leaves behind, and the operation that takes it away. */
const REMOVALS = [
  ["BucketEncryption", "DeleteBucketEncryption"],
  ["PublicAccessBlockConfiguration", "DeletePublicAccessBlock"],
  ["OwnershipControls", "DeleteBucketOwnershipControls"],
  ["LifecycleConfiguration", "DeleteBucketLifecycle"],
] as const;

async function configure(Bucket: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const put = async (operation: string, member: string, value: unknown): Promise<void> => {
    if (value !== null) await context.services.call("s3", operation, { Bucket, [member]: value });
  };
  if (!PRIVATE.includes(textOf(properties, "AccessControl")))
    throw new HandlerError("AccessControl must be Private: Thaw lets nobody in without a signature.");
  const Status = statusOf(properties);
  await put("PutBucketVersioning", "VersioningConfiguration", Status === null ? null : { Status });
  await put("PutBucketEncryption", "ServerSideEncryptionConfiguration", encryptionOf(properties));
  await put("PutPublicAccessBlock", "PublicAccessBlockConfiguration", accessBlockOf(properties));
  await put("PutBucketOwnershipControls", "OwnershipControls", mapOf(properties, "OwnershipControls"));
  await put("PutBucketLifecycleConfiguration", "LifecycleConfiguration", lifecycleOf(properties));
  await put("PutBucketNotificationConfiguration", "NotificationConfiguration", notificationsOf(properties));
  await put("PutBucketTagging", "Tagging", { TagSet: tagsOf(properties, context) });
  return { physicalId: Bucket, attributes: attributesOf(Bucket, context) };
}

function attributesOf(bucket: string, { scope: { region } }: HandlerContext): TemplateMap {
  return {
    Arn: `arn:aws:s3:::${bucket}`,
    DomainName: `${bucket}.s3.amazonaws.com`,
    DualStackDomainName: `${bucket}.s3.dualstack.${region}.amazonaws.com`,
    RegionalDomainName: `${bucket}.s3.${region}.amazonaws.com`,
    WebsiteURL: `http://${bucket}.s3-website-${region}.amazonaws.com`,
  };
}

function statusOf(properties: TemplateMap): string | null {
  const versioning = mapOf(properties, "VersioningConfiguration");
  return versioning === null ? null : textOf(versioning, "Status");
}

function encryptionOf(properties: TemplateMap): object | null {
  const encryption = mapOf(properties, "BucketEncryption");
  if (encryption === null) return null;
  const Rules = mapsOf(encryption, "ServerSideEncryptionConfiguration").map((rule) => {
    const byDefault = mapOf(rule, "ServerSideEncryptionByDefault");
    return given({
      ApplyServerSideEncryptionByDefault:
        byDefault === null
          ? null
          : given({
              SSEAlgorithm: textOf(byDefault, "SSEAlgorithm"),
              KMSMasterKeyID: textOf(byDefault, "KMSMasterKeyID"),
            }),
      BucketKeyEnabled: booleanOf(rule, "BucketKeyEnabled"),
    });
  });
  return { Rules };
}

function accessBlockOf(properties: TemplateMap): object | null {
  const block = mapOf(properties, "PublicAccessBlockConfiguration");
  if (block === null) return null;
  const names = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
  return given(Object.fromEntries(names.map((name) => [name, booleanOf(block, name)])));
}

async function tagsNow(Bucket: string, { services }: HandlerContext): Promise<readonly Tag[]> {
  const found = await unless(["NoSuchTagSet"], services.call("s3", "GetBucketTagging", { Bucket }));
  return (found?.["TagSet"] ?? []) as readonly Tag[];
}

/** A bucket has one policy; it is kept, and lets nobody in. */
const BUCKET_POLICY: Handler = {
  type: describeType("AWS::S3::BucketPolicy", { kind: "recorded" }),
  async create(properties, context) {
    const Bucket = textOf(properties, "Bucket") ?? "";
    const { services, isRetry } = context;
    const found = await unless(["NoSuchBucketPolicy"], services.call("s3", "GetBucketPolicy", { Bucket }));
    if (found !== null && !isRetry) throw new HandlerError(`The bucket policy already exists on bucket ${Bucket}.`);
    return putPolicy(Bucket, properties, context);
  },
  update: ({ physicalId }, properties, context) => putPolicy(physicalId, properties, context),
  async remove({ physicalId }, { services }) {
    await unless(["NoSuchBucket"], services.call("s3", "DeleteBucketPolicy", { Bucket: physicalId }));
  },
};

async function putPolicy(Bucket: string, properties: TemplateMap, { services }: HandlerContext): Promise<Made> {
  await services.call("s3", "PutBucketPolicy", { Bucket, Policy: documentOf(properties, "PolicyDocument") });
  return { physicalId: Bucket };
}

export const BUCKETS: readonly Handler[] = [BUCKET, BUCKET_POLICY];
