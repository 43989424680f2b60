/** Tags of objects. */
import { causeOf } from "./cause.ts";
import { checkedTags } from "./facts.ts";
import { bucketOf, objectOf, shownVersion } from "./found.ts";
import type { S3Operations, S3Output, S3Parts } from "./s3-service.ts";

export function tagOperations({ objects }: S3Parts): S3Operations {
  return {
    async GetObjectTagging(input, call) {
      const bucket = await bucketOf(objects, input, call);
      const { facts, versionId } = await objectOf(objects, input);
      return { TagSet: facts.tags, VersionId: shownVersion(bucket, versionId) } as S3Output<"GetObjectTagging">;
    },
    async PutObjectTagging(input, call) {
      const bucket = await bucketOf(objects, input, call);
      const version = await objectOf(objects, input);
      await objects.setTags(version, checkedTags(input.Tagging.TagSet), causeOf(call, "ObjectTagging:Put"));
      return { VersionId: shownVersion(bucket, version.versionId) } as S3Output<"PutObjectTagging">;
    },
    async DeleteObjectTagging(input, call) {
      const bucket = await bucketOf(objects, input, call);
      const version = await objectOf(objects, input);
      await objects.setTags(version, [], causeOf(call, "ObjectTagging:Delete"));
      return { VersionId: shownVersion(bucket, version.versionId) } as S3Output<"DeleteObjectTagging">;
    },
  };
}
