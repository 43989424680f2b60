/** What Thaw honours of S3's inputs: all other members, and all other values, are refused by their names. */
import type { OperationName } from "@thaw/aws-api/s3";
import { CHECKSUM_ALGORITHMS } from "../../base/digests.ts";
import { notImplemented } from "./s3-error.ts";

const BUCKET = ["Bucket", "ExpectedBucketOwner"];
const OBJECT = [...BUCKET, "Key", "RequestPayer"];
const VERSION = [...OBJECT, "VersionId"];
const CHECKSUMS = ["ChecksumAlgorithm", ...CHECKSUM_ALGORITHMS.map((name) => `Checksum${name}`)];
const BODY = ["ContentLength", "ContentMD5", ...CHECKSUMS];
const FACTS = [
  "CacheControl",
  "ContentDisposition",
  "ContentEncoding",
  "ContentLanguage",
  "ContentType",
  "Expires",
  "ACL",
  "Metadata",
  "ServerSideEncryption",
  "StorageClass",
  "Tagging",
];
const CONFIGURATION = [...BUCKET, "ContentMD5", "ChecksumAlgorithm"];
const READ = [
  ...VERSION,
  "ChecksumMode",
  "IfMatch",
  "IfModifiedSince",
  "IfNoneMatch",
  "IfUnmodifiedSince",
  "PartNumber",
  "Range",
  ...["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires"].map(
    (name) => `Response${name}`,
  ),
];
const SOURCE = [
  "CopySource",
  "CopySourceIfMatch",
  "CopySourceIfModifiedSince",
  "CopySourceIfNoneMatch",
  "CopySourceIfUnmodifiedSince",
  "ExpectedSourceBucketOwner",
];
const LIST = [...BUCKET, "Delimiter", "EncodingType", "Prefix", "RequestPayer"];
const UPLOAD = [...OBJECT, "UploadId"];

/** Members by operation; an operation that is not here only has those of its bucket. */
const HONOURED: Readonly<Partial<Record<OperationName, readonly string[]>>> = {
  ListBuckets: ["BucketRegion", "ContinuationToken", "MaxBuckets", "Prefix"],
  CreateBucket: ["ACL", "Bucket", "CreateBucketConfiguration", "ObjectOwnership"],
  PutBucketVersioning: [...CONFIGURATION, "VersioningConfiguration"],
  PutBucketEncryption: [...CONFIGURATION, "ServerSideEncryptionConfiguration"],
  PutPublicAccessBlock: [...CONFIGURATION, "PublicAccessBlockConfiguration"],
  PutBucketOwnershipControls: [...CONFIGURATION, "OwnershipControls"],
  PutBucketPolicy: [...CONFIGURATION, "Policy", "ConfirmRemoveSelfBucketAccess"],
  PutBucketTagging: [...CONFIGURATION, "Tagging"],
  PutBucketNotificationConfiguration: [...BUCKET, "NotificationConfiguration", "SkipDestinationValidation"],
  PutBucketLifecycleConfiguration: [...CONFIGURATION, "LifecycleConfiguration", "TransitionDefaultMinimumObjectSize"],
  PutObject: [...OBJECT, ...BODY, ...FACTS, "IfMatch", "IfNoneMatch"],
  GetObject: READ,
  HeadObject: READ,
  DeleteObject: [...VERSION, "BypassGovernanceRetention"],
  DeleteObjects: [...BUCKET, "BypassGovernanceRetention", "ChecksumAlgorithm", "Delete", "RequestPayer"],
  CopyObject: [
    ...OBJECT,
    ...FACTS,
    ...SOURCE,
    "ChecksumAlgorithm",
    "IfMatch",
    "IfNoneMatch",
    "MetadataDirective",
    "TaggingDirective",
  ],
  GetObjectTagging: VERSION,
  PutObjectTagging: [...VERSION, "ChecksumAlgorithm", "ContentMD5", "Tagging"],
  DeleteObjectTagging: VERSION,
  GetObjectAttributes: [...VERSION, "MaxParts", "ObjectAttributes", "PartNumberMarker"],
  GetObjectAcl: VERSION,
  ListObjects: [...LIST, "Marker", "MaxKeys", "OptionalObjectAttributes"],
  ListObjectsV2: [...LIST, "ContinuationToken", "FetchOwner", "MaxKeys", "OptionalObjectAttributes", "StartAfter"],
  ListObjectVersions: [...LIST, "KeyMarker", "MaxKeys", "OptionalObjectAttributes", "VersionIdMarker"],
  CreateMultipartUpload: [...OBJECT, ...FACTS, "ChecksumAlgorithm", "ChecksumType"],
  UploadPart: [...UPLOAD, ...BODY, "PartNumber"],
  UploadPartCopy: [...UPLOAD, ...SOURCE, "CopySourceRange", "PartNumber"],
  CompleteMultipartUpload: [
    ...UPLOAD,
    ...CHECKSUMS,
    "ChecksumType",
    "IfMatch",
    "IfNoneMatch",
    "MpuObjectSize",
    "MultipartUpload",
  ],
  AbortMultipartUpload: UPLOAD,
  ListParts: [...UPLOAD, "MaxParts", "PartNumberMarker"],
  ListMultipartUploads: [...LIST, "KeyMarker", "MaxUploads", "UploadIdMarker"],
};

/** Values that ask for what is done anyway. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  ACL: ["private", "bucket-owner-read", "bucket-owner-full-control"],
  ChecksumAlgorithm: CHECKSUM_ALGORITHMS,
  ObjectOwnership: ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
  // Without a key of the caller's: the disk's encryption is the host's matter. The CDK's bucket asks for the latter.
  ServerSideEncryption: ["AES256", "aws:kms"],
  StorageClass: ["STANDARD"],
  EncodingType: ["url"],
};

/** Throws NotImplemented for what is not honoured. */
export function checkHonoured(operation: OperationName, input: Readonly<Record<string, unknown>>): void {
  const honoured = new Set(HONOURED[operation] ?? [...BUCKET, "Key", "Id"]);
  for (const [name, value] of Object.entries(input)) {
    if (!honoured.has(name))
      throw notImplemented(`${name} is part of S3's ${operation}, but Thaw does not have it. Leave it out.`);
    const values = VALUES[name];
    if (values !== undefined && !values.includes(String(value)))
      throw notImplemented(`${name} must be ${values.join(" or ")} in Thaw, and not ${String(value).slice(0, 100)}.`);
  }
}
