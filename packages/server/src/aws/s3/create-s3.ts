/** All operations of S3 that Thaw has, each refusing what it does not honour. */
import type { OperationName } from "@thaw/aws-api/s3";
import { bucketOperations } from "./buckets.ts";
import { configurationOperations } from "./configurations.ts";
import { checkHonoured } from "./honoured.ts";
import { listOperations } from "./listings.ts";
import { objectOperations } from "./objects.ts";
import { notificationOperations } from "./notifications.ts";
import { notImplemented } from "./s3-error.ts";
import type { S3Call, S3Operations, S3Parts } from "./s3-service.ts";
import { tagOperations } from "./tags.ts";
import { uploadOperations } from "./uploads.ts";

export { type S3Call, type S3Parts } from "./s3-service.ts";
export { S3Error, malformedXml, statusOf } from "./s3-error.ts";

/** Carries out an operation. Throws a ServiceError where it is refused. */
export type S3Service = (
  operation: OperationName,
  input: Readonly<Record<string, unknown>>,
  call: S3Call,
) => Promise<Readonly<Record<string, unknown>>>;

export function createS3(parts: S3Parts): S3Service {
  const operations: S3Operations = {
    ...bucketOperations(parts),
    ...configurationOperations(parts),
    ...notificationOperations(parts),
    ...objectOperations(parts),
    ...tagOperations(parts),
    ...listOperations(parts),
    ...uploadOperations(parts),
  };
  return async (operation, input, call) => {
    const run = operations[operation] as ((input: object, call: S3Call) => Promise<object>) | undefined;
    if (run === undefined) throw notImplemented(`${operation} is part of S3, but Thaw does not have it.`);
    checkHonoured(operation, input);
    return (await run(input, call)) as Readonly<Record<string, unknown>>;
  };
}
