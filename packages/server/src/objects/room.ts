/** How many bytes objects may take, those included that are on their way. */
import { ServiceError } from "../model/service-error.ts";

export class Room {
  readonly #bytesMax: number;
  readonly #storedBytes: () => number;
  #comingBytes = 0;

  /** `storedBytes` counts what the index has. */
  constructor(bytesMax: number, storedBytes: () => number) {
    this.#bytesMax = bytesMax;
    this.#storedBytes = storedBytes;
  }

  /** Throws QuotaExceeded. */
  take(bytes: number): void {
    if (this.#storedBytes() + this.#comingBytes + bytes > this.#bytesMax)
      throw new ServiceError(
        "QuotaExceeded",
        `All objects of an account in a Region may have ${Math.floor(this.#bytesMax / 1024 / 1024)} MiB (--objects-max-mib). ` +
          "Remove some, or have the operator raise the limit.",
      );
    this.#comingBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#comingBytes -= bytes;
  }
}

export function tooLarge(sizeBytesMax: number): ServiceError {
  return new ServiceError(
    "EntityTooLarge",
    `Your proposed upload exceeds the maximum allowed size of ${sizeBytesMax} bytes`,
  );
}
