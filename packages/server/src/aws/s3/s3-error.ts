/** Refusals of S3: their codes with the statuses that they have on AWS, and texts that several operations share. */
import { ServiceError } from "../../model/service-error.ts";

/** A refusal that says more than its code and its message. */
export class S3Error extends ServiceError {
  readonly headers: Readonly<Record<string, string>>;
  /** Elements of its document, beside those that each has. */
  readonly elements: Readonly<Record<string, string>>;

  constructor(
    code: string,
    message: string,
    extra: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly elements?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(code, message);
    this.headers = extra.headers ?? {};
    this.elements = extra.elements ?? {};
  }
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; 400 where nothing else is said. NotImplemented is
 * 501 on AWS: clients would try it again.
 */
const STATUS: Readonly<Record<string, number>> = {
  NotModified: 304,
  AccessDenied: 403,
  InvalidAccessKeyId: 403,
  QuotaExceeded: 403,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchConfiguration: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NoSuchWebsiteConfiguration: 404,
  ObjectLockConfigurationNotFoundError: 404,
  OwnershipControlsNotFoundError: 404,
  ReplicationConfigurationNotFoundError: 404,
  ServerSideEncryptionConfigurationNotFoundError: 404,
  MethodNotAllowed: 405,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  InvalidBucketState: 409,
  OperationAborted: 409,
  MissingContentLength: 411,
  PreconditionFailed: 412,
  InvalidRange: 416,
  InternalError: 500,
};

export function statusOf(code: string): number {
  return STATUS[code] ?? 400;
}

export function invalidArgument(message: string, name: string, value: string): S3Error {
  return new S3Error("InvalidArgument", message, { elements: { ArgumentName: name, ArgumentValue: value } });
}

/** What AWS has and Thaw does not. */
export function notImplemented(what: string): S3Error {
  return new S3Error("NotImplemented", what);
}

export function malformedXml(): S3Error {
  return new S3Error(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
  );
}

export function noSuchKey(key: string): S3Error {
  return new S3Error("NoSuchKey", "The specified key does not exist.", { elements: { Key: key } });
}
