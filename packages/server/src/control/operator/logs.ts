/** Logs of functions, for operators. */
import type { LogEvent } from "../../ports/log-store.ts";
import { findVersion } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

export interface LogWish {
  /** Milliseconds since the epoch of the first event wanted. */
  readonly sinceMs: number;
  /** Goes on with new events until `signal`. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

type Needs = Pick<ControlServices, "scope" | "store" | "logs">;

export class FunctionLogs {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Reads events of all of a function's environments; where the name has a qualifier, of those of that version, or of
   * all versions that the alias chooses from. Throws ResourceNotFoundException for what is unknown.
   */
  async read(functionName: string, wish: LogWish): Promise<AsyncIterable<LogEvent>> {
    const { alias, qualifier, version } = await findVersion(this.#services, functionName, undefined);
    const versions = alias === null ? [version.version] : [alias.functionVersion, ...Object.keys(alias.weights)];
    return this.#services.logs.read(version.config.logGroup, { ...wish, ...(qualifier === null ? {} : { versions }) });
  }
}
