/** Destinations among which the scope's own buckets are, where the operator names no endpoint of S3. */
import { NO_FACTS } from "../../model/object-record.ts";
import type { DestinationMessage, DestinationTarget } from "../../model/destination.ts";
import { DestinationError, type Destinations } from "../../ports/destinations.ts";
import type { ControlServices } from "../services.ts";

type Needs = Pick<ControlServices, "scope" | "objects" | "random">;

export function withOwnBuckets(destinations: Destinations, { scope, objects, random }: Needs): Destinations {
  /** Null where the bucket is none of the scope's own: it may be at AWS. */
  const ownBucket = async (target: DestinationTarget): Promise<string | null> => {
    if (target.service !== "s3" || destinations.hasEndpoint("s3")) return null;
    const bucket = await objects.findBucket(target.bucket);
    const isOwn = bucket?.accountId === scope.accountId && bucket.region === scope.region;
    return isOwn ? target.bucket : null;
  };
  const put = async (bucket: string, { body, key, traceId }: DestinationMessage): Promise<void> => {
    const cause = {
      name: "ObjectCreated:Put" as const,
      requestId: random.uuid(),
      sourceIp: "127.0.0.1",
      userId: scope.accountId,
      traceId,
    };
    const facts = { ...NO_FACTS, headers: { ContentType: "application/json" } };
    try {
      const bytes = Buffer.from(body);
      const limits = { algorithms: [], sizeBytesMax: bytes.length };
      const content = await objects.receive(oneOf(bytes), limits);
      await objects.put({ bucket, key, facts, checksum: null, conditions: {}, cause }, content);
    } catch (error) {
      throw new DestinationError(error instanceof Error ? error.message : String(error), false, error);
    }
  };
  return {
    hasEndpoint: (service) => destinations.hasEndpoint(service),
    async problemOf(target) {
      return (await ownBucket(target)) === null ? destinations.problemOf(target) : null;
    },
    async send(target, message) {
      const bucket = await ownBucket(target);
      return bucket === null ? destinations.send(target, message) : put(bucket, message);
    },
    close: () => destinations.close(),
  };
}

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
