/** S3's API: its model, its protocol and the names that its model does not have. */
import { ERRORS } from "./generated/s3/errors.ts";
import { OPERATIONS, type OperationName } from "./generated/s3/operations.ts";
import { SERVICE } from "./generated/s3/service.ts";
import { SHAPES } from "./generated/s3/shapes.ts";
import type { ServiceModel } from "./model.ts";
import { RestXml } from "./protocols/rest-xml.ts";

export { OPERATIONS, type OperationName, type OperationTypes } from "./generated/s3/operations.ts";
export { SerializationError } from "./validate.ts";
export type * from "./generated/s3/types.ts";
export { type ChunkedEnd, decodeChunked } from "./protocols/aws-chunked.ts";
export { isS3Host, pathWithBucket } from "./protocols/s3-address.ts";
export type { RestXmlMatch } from "./protocols/rest-xml.ts";

const MODEL: ServiceModel<OperationName> = {
  scope: SERVICE.scope,
  operations: OPERATIONS,
  shapes: SHAPES,
  errors: ERRORS,
  checkedByTheService: new Set(),
  saidByTheService: {},
};

export const S3 = {
  model: MODEL,
  protocol: new RestXml<OperationName>(MODEL, SERVICE, {
    left: new Set(
      (
        "GetBucketLifecycle PutBucketLifecycle GetBucketNotification PutBucketNotification " +
        "ListDirectoryBuckets WriteGetObjectResponse"
      ).split(" "),
    ),
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html, the response syntax of each.
    roots: {
      ListBuckets: "ListAllMyBucketsResult",
      ListObjects: "ListBucketResult",
      ListObjectsV2: "ListBucketResult",
      ListObjectVersions: "ListVersionsResult",
      ListMultipartUploads: "ListMultipartUploadsResult",
      ListParts: "ListPartsResult",
      CreateMultipartUpload: "InitiateMultipartUploadResult",
      CompleteMultipartUpload: "CompleteMultipartUploadResult",
      DeleteObjects: "DeleteResult",
      UploadPartCopy: "CopyPartResult",
      GetObjectAttributes: "GetObjectAttributesResponse",
      GetObjectTagging: "Tagging",
      GetBucketTagging: "Tagging",
      GetBucketVersioning: "VersioningConfiguration",
      GetBucketLifecycleConfiguration: "LifecycleConfiguration",
      GetBucketAcl: "AccessControlPolicy",
      GetObjectAcl: "AccessControlPolicy",
      GetBucketLogging: "BucketLoggingStatus",
      GetBucketNotificationConfiguration: "NotificationConfiguration",
      GetBucketAccelerateConfiguration: "AccelerateConfiguration",
      GetBucketRequestPayment: "RequestPaymentConfiguration",
    },
    textRoots: { GetBucketLocation: "LocationConstraint" },
    asText: new Set(["BucketLocationConstraint", "Event", "Expires", "FilterRuleName"]),
  }),
};
