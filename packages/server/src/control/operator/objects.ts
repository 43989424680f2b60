/** Objects that S3Bucket and S3Key of a deployment package name, for operators. */
import type { Readable } from "node:stream";
import { invalidParameter } from "../../model/api-error.ts";
import type { ControlServices } from "../services.ts";

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
}
