/** The prime events of a version, for those who want to send one. */
import { invalidParameter } from "../../model/api-error.ts";
import type { PrimeFile } from "../../ports/prime-source.ts";
import { findVersion } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

export interface PrimeEvents extends PrimeFile {
  /** The version whose they are: `$LATEST` or a number. */
  readonly version: string;
}

type Needs = Pick<ControlServices, "scope" | "store" | "primes">;

export class PrimeEventReader {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Reads them of a function by its name, maybe with a qualifier; none where its code has no file of them. Throws
   * ResourceNotFoundException for what is unknown, InvalidParameterValueException where the file can't be read.
   */
  async read(functionName: string): Promise<PrimeEvents> {
    const { version } = await findVersion(this.#services, functionName, undefined);
    const file = await this.#services.primes.readPrimeFile(version.code.codeName).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw invalidParameter(`The thaw.prime.json of ${functionName} can't be read: ${reason}`);
    });
    return { version: version.version, ...(file ?? { events: [], times: 0 }) };
  }
}
