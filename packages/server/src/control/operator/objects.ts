/** Objects that S3Bucket and S3Key of a deployment package name, for operators. */
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { invalidParameter, notFound } from "../../model/api-error.ts";
import type { ControlServices } from "../services.ts";

const SMALL_BYTES_MAX = 1024 * 1024;

export class ObjectAdmin {
  readonly #services: Pick<ControlServices, "objects">;

  constructor(services: Pick<ControlServices, "objects">) {
    this.#services = services;
  }

  /** Stores durably; an error of `content` leaves nothing behind. Throws an ApiError for a wrong bucket name. */
  async put(bucket: string, key: string, content: Readable): Promise<{ readonly sizeBytes: number }> {
    try {
      return await this.#services.objects.put(bucket, key, content);
    } catch (error) {
      if (error instanceof RangeError) throw invalidParameter(error.message);
      throw error;
    }
  }

  /** Reads an object into memory. Throws an ApiError where there is none, or it is larger than 1 MiB. */
  async readSmall(bucket: string, key: string): Promise<Buffer> {
    const found = await this.#services.objects.get(bucket, key);
    if (found === null) throw notFound(`Object not found: ${bucket}/${key}`);
    if (found.sizeBytes <= SMALL_BYTES_MAX) return buffer(found.content);
    found.content.destroy();
    throw invalidParameter(`${bucket}/${key} is larger than ${SMALL_BYTES_MAX} bytes.`);
  }
}
