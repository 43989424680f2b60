/**
 * Objects as earlier releases stored them: DATA/objects/BUCKET/SHA-256 of the key. The key can't be read from it, so
 * each is taken into the index when somebody asks for it.
 */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { AccountScope } from "../model/function-name.ts";
import { isBucketName, newBucket, NO_FACTS, type ObjectVersion } from "../model/object-record.ts";
import type { ObjectName, ObjectStore } from "../ports/object-store.ts";

const CONTENT = "content";

/** Names of the buckets that still have such objects. */
export function earlierBuckets(root: string): Set<string> {
  const entries = readdirSync(root, { withFileTypes: true });
  return new Set(entries.filter((entry) => entry.isDirectory() && entry.name !== CONTENT).map(({ name }) => name));
}

/** Null where there is no object of that name. */
export async function adoptEarlier(
  store: ObjectStore,
  root: string,
  { bucket, key }: ObjectName,
  { scope, clock }: { readonly scope: AccountScope; readonly clock: Clock },
): Promise<ObjectVersion | null> {
  if (!isBucketName(bucket)) return null;
  const path = join(root, bucket, createHash("sha256").update(key).digest("hex"));
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return null;
  await store.createBucket(newBucket(bucket, scope, clock.nowMs()));
  const content = await store.receive(createReadStream(path), { algorithms: [], sizeBytesMax: size });
  const version = await store.put({ bucket, key, facts: NO_FACTS, checksum: null, conditions: {} }, content);
  await rm(path, { force: true });
  return version;
}
