/** Logs of functions, for operators. */
import type { LogEvent } from "../../ports/log-store.ts";
import { findLatest } from "../records/lookup.ts";
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

  /** Reads events of all of a function's environments. Throws ResourceNotFoundException for an unknown function. */
  async read(functionName: string, wish: LogWish): Promise<AsyncIterable<LogEvent>> {
    const { config } = await findLatest(this.#services, functionName);
    return this.#services.logs.read(config.logGroup, wish);
  }
}
