/**
 * Configurations of buckets that tools write and read back: kept as they are, and shown. Nothing follows from them
 * here: docs/reference/aws-services.md says so of each. Those that are not kept are answered as where there is none.
 */
import type { OperationName } from "@thaw/aws-api/s3";
import type { BucketRecord } from "../../model/object-record.ts";
import { bucketOf, type NamesBucket, objectOf } from "./found.ts";
import { malformedXml, S3Error } from "./s3-error.ts";
import type { S3Call, S3Operations, S3Parts } from "./s3-service.ts";

interface Kept {
  readonly put: OperationName;
  readonly get: OperationName;
  readonly remove: OperationName;
  /** The member that has it, of the input and of the output. */
  readonly member: string;
  /** The refusal where there is none: code and message. */
  readonly missing: readonly [code: string, message: string];
  /** What a bucket has that nobody has configured. */
  readonly initial?: unknown;
}

const KEPT: readonly Kept[] = [
  {
    put: "PutBucketEncryption",
    get: "GetBucketEncryption",
    remove: "DeleteBucketEncryption",
    member: "ServerSideEncryptionConfiguration",
    missing: [
      "ServerSideEncryptionConfigurationNotFoundError",
      "The server side encryption configuration was not found",
    ],
    // Each bucket has it since 2023: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    initial: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" }, BucketKeyEnabled: false }],
    },
  },
  {
    put: "PutPublicAccessBlock",
    get: "GetPublicAccessBlock",
    remove: "DeletePublicAccessBlock",
    member: "PublicAccessBlockConfiguration",
    missing: ["NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"],
    initial: { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true },
  },
  {
    put: "PutBucketOwnershipControls",
    get: "GetBucketOwnershipControls",
    remove: "DeleteBucketOwnershipControls",
    member: "OwnershipControls",
    missing: ["OwnershipControlsNotFoundError", "The bucket ownership controls were not found"],
    initial: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
  },
  {
    put: "PutBucketPolicy",
    get: "GetBucketPolicy",
    remove: "DeleteBucketPolicy",
    member: "Policy",
    missing: ["NoSuchBucketPolicy", "The bucket policy does not exist"],
  },
  {
    put: "PutBucketTagging",
    get: "GetBucketTagging",
    remove: "DeleteBucketTagging",
    member: "Tagging",
    missing: ["NoSuchTagSet", "The TagSet does not exist"],
  },
  {
    put: "PutBucketLifecycleConfiguration",
    get: "GetBucketLifecycleConfiguration",
    remove: "DeleteBucketLifecycle",
    member: "LifecycleConfiguration",
    missing: ["NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"],
  },
];
/** Outputs whose members are the configuration's own. */
const WITHOUT_MEMBER = new Set(["Tagging", "LifecycleConfiguration"]);

/** Reads of what is never there. */
const MISSING: Readonly<Partial<Record<OperationName, readonly [code: string, message: string]>>> = {
  GetBucketCors: ["NoSuchCORSConfiguration", "The CORS configuration does not exist"],
  GetBucketWebsite: ["NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"],
  GetBucketReplication: ["ReplicationConfigurationNotFoundError", "The replication configuration was not found"],
  GetObjectLockConfiguration: [
    "ObjectLockConfigurationNotFoundError",
    "Object Lock configuration does not exist for this bucket",
  ],
  GetBucketAnalyticsConfiguration: ["NoSuchConfiguration", "The specified configuration does not exist."],
  GetBucketIntelligentTieringConfiguration: ["NoSuchConfiguration", "The specified configuration does not exist."],
  GetBucketInventoryConfiguration: ["NoSuchConfiguration", "The specified configuration does not exist."],
  GetBucketMetricsConfiguration: ["NoSuchConfiguration", "The specified configuration does not exist."],
};

/** Reads whose answer is the same for each bucket. */
const SAME: Readonly<Partial<Record<OperationName, object>>> = {
  GetBucketAccelerateConfiguration: {},
  GetBucketLogging: {},
  GetBucketRequestPayment: { Payer: "BucketOwner" },
};

const REMOVED_ANYWAY: readonly OperationName[] = ["DeleteBucketCors", "DeleteBucketReplication", "DeleteBucketWebsite"];

type Run = (input: NamesBucket & { readonly Key?: string }, call: S3Call) => Promise<object>;

export function configurationOperations({ objects }: S3Parts): S3Operations {
  const operations: Partial<Record<OperationName, Run>> = {};
  const reading =
    (answer: (bucket: BucketRecord) => object): Run =>
    async (input, call) =>
      answer(await bucketOf(objects, input, call));
  const changing =
    (change: (bucket: BucketRecord, input: Readonly<Record<string, unknown>>) => BucketRecord["configurations"]): Run =>
    async (input, call) => {
      await bucketOf(objects, input, call);
      await objects.changeBucket(input.Bucket, (bucket) => ({
        ...bucket,
        configurations: change(bucket, input as unknown as Record<string, unknown>),
      }));
      return {};
    };
  for (const { put, get, remove, member, missing, initial } of KEPT) {
    operations[put] = changing(({ configurations }, input) => {
      if (input[member] === undefined || input[member] === "") throw malformedXml();
      if (member === "Policy") checkPolicy(String(input[member]));
      return { ...configurations, [member]: input[member] };
    });
    operations[get] = reading(({ configurations }) => {
      const value = Object.hasOwn(configurations, member) ? configurations[member] : initial;
      if (value === undefined || value === null) throw new S3Error(...missing);
      return WITHOUT_MEMBER.has(member) ? (value as object) : { [member]: value };
    });
    operations[remove] = changing(({ configurations }) => ({ ...configurations, [member]: null }));
  }
  for (const [name, missing] of Object.entries(MISSING))
    operations[name as OperationName] = reading(() => {
      throw new S3Error(...missing);
    });
  for (const [name, answer] of Object.entries(SAME)) operations[name as OperationName] = reading(() => answer);
  for (const name of REMOVED_ANYWAY) operations[name] = reading(() => ({}));
  operations.GetBucketAcl = reading(aclOf);
  operations.GetObjectAcl = async (input, call) => {
    const bucket = await bucketOf(objects, input, call);
    await objectOf(objects, { ...input, Key: input.Key ?? "" });
    return aclOf(bucket);
  };
  return operations as unknown as S3Operations;
}

/** The owner may do everything, and nobody else anything. */
function aclOf({ accountId }: BucketRecord): object {
  const owner = { ID: accountId };
  return { Owner: owner, Grants: [{ Grantee: { ...owner, Type: "CanonicalUser" }, Permission: "FULL_CONTROL" }] };
}

function checkPolicy(text: string): void {
  const malformed = (why: string): S3Error => new S3Error("MalformedPolicy", why);
  if (Buffer.byteLength(text) > 20 * 1024) throw malformed("Policy exceeds the maximum allowed document size.");
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw malformed("This policy contains invalid Json");
  }
  if (typeof policy !== "object" || policy === null || !("Statement" in policy))
    throw malformed("Missing required field Statement");
}
