/** S3 of a scope, whose operations are loaded by the first of them. */
import type { S3Parts, S3Service } from "../aws/s3/create-s3.ts";
import { onUse } from "../base/on-use.ts";

export function createScopeS3(parts: S3Parts): S3Service {
  const load = onUse(async () => {
    const { createS3 } = await import("../aws/s3/create-s3.ts");
    return createS3(parts);
  });
  return async (...call) => (await load())(...call);
}
