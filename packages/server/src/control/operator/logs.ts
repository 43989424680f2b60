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

export class FunctionLogs {
  readonly #services: ControlServices;

  constructor(services: ControlServices) {
    this.#services = services;
  }

  /** Reads the events of all of a function's environments. Throws ResourceNotFoundException where there is no such function. */
  read(functionName: string, wish: LogWish): AsyncIterable<LogEvent> {
    return this.#services.logs.read(findLatest(this.#services, functionName).config.logGroup, wish);
  }
}
