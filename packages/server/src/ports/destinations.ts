/**
 * Where results and dead letters of asynchronous invokes go outside of Thaw. Owned by control/, implemented by
 * destinations/ with AWS's clients.
 */
import type { DestinationMessage, DestinationService, DestinationTarget } from "../model/destination.ts";

export interface Destinations {
  /** Whether the operator named an endpoint of the service. */
  hasEndpoint(service: DestinationService): boolean;
  /**
   * Why nothing could be sent there, as a sentence; null where it can be: an endpoint of its service is named, or it
   * answered.
   */
  problemOf(target: DestinationTarget): Promise<string | null>;
  /** Resolves when the service has it. Throws DestinationError. */
  send(target: DestinationTarget, message: DestinationMessage): Promise<void>;
  close(): void;
}

export class DestinationError extends Error {
  override readonly name = "DestinationError";
  /** True where the same message will never be taken: it is too large, or has what the service can't hold. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean, cause?: unknown) {
    super(message, { cause });
    this.isFinal = isFinal;
  }
}
