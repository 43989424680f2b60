/** Buckets themselves: made, found, listed and removed, and whether they have versions. */
import { isBucketName, newBucket } from "../../model/object-record.ts";
import { bucketOf } from "./found.ts";
import { notImplemented, S3Error } from "./s3-error.ts";
import type { S3Call, S3Input, S3Operations, S3Output, S3Parts } from "./s3-service.ts";

const BUCKETS_MAX = 10_000;
/** Paths of the listener's own. */
const RESERVED = new Set(["healthz"]);

export function bucketOperations(parts: S3Parts): S3Operations {
  const { objects } = parts;
  return {
    ListBuckets: (input, call) => listBuckets(parts, input, call),
    CreateBucket: (input, call) => createBucket(parts, input, call),
    async HeadBucket(input, call) {
      const { region } = await bucketOf(objects, input, call);
      return { BucketRegion: region, AccessPointAlias: false };
    },
    async DeleteBucket(input, call) {
      await bucketOf(objects, input, call);
      await objects.removeBucket(input.Bucket);
      return {};
    },
    async GetBucketLocation(input, call) {
      const { region } = await bucketOf(objects, input, call);
      return (region === "us-east-1" ? {} : { LocationConstraint: region }) as { LocationConstraint?: never };
    },
    async GetBucketVersioning(input, call) {
      const { versioning } = await bucketOf(objects, input, call);
      return versioning === null ? {} : { Status: versioning };
    },
    async PutBucketVersioning(input, call) {
      await bucketOf(objects, input, call);
      const { Status, MFADelete } = input.VersioningConfiguration;
      if (MFADelete === "Enabled") throw notImplemented("MFADelete is part of S3, but Thaw does not have it.");
      if (Status === undefined)
        throw new S3Error("IllegalVersioningConfigurationException", "The Versioning element must be specified");
      await objects.changeBucket(input.Bucket, (bucket) => ({ ...bucket, versioning: Status }));
      return {};
    },
  };
}

async function listBuckets(
  { objects }: S3Parts,
  { BucketRegion, ContinuationToken = "", MaxBuckets = BUCKETS_MAX, Prefix = "" }: S3Input<"ListBuckets">,
  { accountId }: S3Call,
): Promise<S3Output<"ListBuckets">> {
  const after = Buffer.from(ContinuationToken, "base64url").toString("utf8");
  const found = (await objects.listBuckets(accountId)).filter(
    ({ name, region }) => name > after && name.startsWith(Prefix) && (BucketRegion ?? region) === region,
  );
  const page = found.slice(0, Math.min(Math.max(MaxBuckets, 1), BUCKETS_MAX));
  return {
    Owner: { ID: accountId },
    Buckets: page.map(({ name, region, createdMs }) => ({
      Name: name,
      BucketRegion: region,
      CreationDate: new Date(createdMs),
    })),
    ...(Prefix === "" ? {} : { Prefix }),
    ...(page.length < found.length
      ? { ContinuationToken: Buffer.from(page.at(-1)?.name ?? "").toString("base64url") }
      : {}),
  };
}

async function createBucket(
  { objects, clock }: S3Parts,
  { Bucket, CreateBucketConfiguration, ObjectOwnership }: S3Input<"CreateBucket">,
  { accountId, region }: S3Call,
): Promise<S3Output<"CreateBucket">> {
  if (!isBucketName(Bucket) || RESERVED.has(Bucket))
    throw new S3Error("InvalidBucketName", "The specified bucket is not valid.", {
      elements: { BucketName: Bucket.slice(0, 255) },
    });
  const { LocationConstraint, Tags, ...others } = CreateBucketConfiguration ?? {};
  const [other] = Object.keys(others);
  if (other !== undefined) throw notImplemented(`${other} is part of CreateBucket, but Thaw does not have it.`);
  // The one Region that is not named so: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
  if (LocationConstraint !== undefined && (LocationConstraint as string) !== region)
    throw new S3Error("InvalidLocationConstraint", "The specified location-constraint is not valid", {
      elements: { LocationConstraint: LocationConstraint.slice(0, 100) },
    });
  const bucket = {
    ...newBucket(Bucket, { accountId, region }, clock.nowMs()),
    configurations: {
      ...(ObjectOwnership === undefined ? {} : { OwnershipControls: { Rules: [{ ObjectOwnership }] } }),
      ...(Tags === undefined ? {} : { Tagging: { TagSet: Tags } }),
    },
  };
  if (!(await objects.createBucket(bucket))) {
    const found = await objects.findBucket(Bucket);
    if (found?.accountId !== accountId)
      throw new S3Error(
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
        { elements: { BucketName: Bucket } },
      );
    // AWS lets it pass in its first Region: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    if (region !== "us-east-1")
      throw new S3Error(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        { elements: { BucketName: Bucket } },
      );
  }
  return { Location: `/${Bucket}` };
}
