/** Objects as files: DATA/objects/BUCKET/SHA-256 of the key. Written beside, then renamed. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { systemRandom } from "../base/random.ts";
import type { ObjectStore } from "../ports/object-store.ts";

/** S3's rule for names, which is also safe as a directory. */
export const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export function createObjectDirectory(dataDir: string): ObjectStore {
  const root = join(dataDir, "objects");
  const pathOf = (bucket: string, key: string): string | null =>
    BUCKET_NAME.test(bucket) && !bucket.includes("..")
      ? join(root, bucket, createHash("sha256").update(key).digest("hex"))
      : null;
  return {
    async put(bucket: string, key: string, content: Readable) {
      const path = pathOf(bucket, key);
      if (path === null) throw new RangeError(`${bucket} is not a bucket name`);
      await mkdir(join(root, bucket), { recursive: true });
      const partial = `${path}.${systemRandom.uuid()}.partial`;
      try {
        await pipeline(content, createWriteStream(partial, { flush: true }));
        await rename(partial, path);
      } finally {
        await rm(partial, { force: true });
      }
      return { sizeBytes: (await stat(path)).size };
    },
    async get(bucket: string, key: string) {
      const path = pathOf(bucket, key);
      const found = path === null ? null : await stat(path).catch(() => null);
      return path === null || found === null ? null : { content: createReadStream(path), sizeBytes: found.size };
    },
    async hasBucket(bucket: string) {
      return pathOf(bucket, "") !== null && (await stat(join(root, bucket)).catch(() => null)) !== null;
    },
    async remove(bucket: string, key: string) {
      const path = pathOf(bucket, key);
      if (path !== null) await rm(path, { force: true });
    },
  };
}
