/** Objects that S3Bucket and S3Key of a deployment package name, for operators. */
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { isBucketName, newBucket, NO_FACTS } from "../../model/object-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { ControlServices } from "../services.ts";

const SMALL_BYTES_MAX = 1024 * 1024;

/** As much as S3 takes in one request. */
const OBJECT_BYTES_MAX = 5 * 1024 ** 3;

type Needs = Pick<ControlServices, "objects" | "scope" | "clock" | "random">;

export class ObjectAdmin {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Stores durably, and makes the bucket where there is none; an error of `content` leaves nothing behind. Throws an
   * ApiError for a wrong bucket name, for another account's bucket, and where there is no room.
   */
  async put(bucket: string, key: string, content: Readable): Promise<{ readonly sizeBytes: number }> {
    const { objects, scope, clock, random } = this.#services;
    if (!isBucketName(bucket)) throw invalidParameter(`${bucket} is not a bucket name`);
    await objects.createBucket(newBucket(bucket, scope, clock.nowMs()));
    await this.#checkOwner(bucket, key);
    try {
      const received = await objects.receive(content, { algorithms: [], sizeBytesMax: OBJECT_BYTES_MAX });
      const cause = {
        name: "ObjectCreated:Put",
        requestId: random.uuid(),
        sourceIp: "127.0.0.1",
        userId: scope.accountId,
        traceId: null,
      } as const;
      const write = { bucket, key, facts: NO_FACTS, checksum: null, conditions: {}, cause };
      const { sizeBytes } = await objects.put(write, received);
      return { sizeBytes };
    } catch (error) {
      if (error instanceof ServiceError) throw invalidParameter(error.message);
      throw error;
    }
  }

  /** Reads an object into memory. Throws an ApiError where there is none, or it is larger than 1 MiB. */
  async readSmall(bucket: string, key: string): Promise<Buffer> {
    const { objects } = this.#services;
    const found = await objects.find({ bucket, key });
    await this.#checkOwner(bucket, key);
    if (found !== null && !found.isMarker && found.sizeBytes > SMALL_BYTES_MAX)
      throw invalidParameter(`${bucket}/${key} is larger than ${SMALL_BYTES_MAX} bytes.`);
    const content = found === null || found.isMarker ? null : await objects.read(found);
    if (content === null) throw notFound(`Object not found: ${bucket}/${key}`);
    return buffer(content);
  }

  async #checkOwner(bucket: string, key: string): Promise<void> {
    const { objects, scope } = this.#services;
    const found = await objects.findBucket(bucket);
    if (found === null || found.accountId !== scope.accountId) throw notFound(`Object not found: ${bucket}/${key}`);
  }
}
