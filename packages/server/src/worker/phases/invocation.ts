/** What the Invoke phase is about: the environment, the request, its time, and what came of it. */
import type { Body } from "../../base/body.ts";
import type { Brought } from "../core/brought.ts";
import type { Deadline, InvokeRequest } from "../core/events.ts";

/** The part of the phase before it that the first invocation of an environment reports. */
export interface ColdStart {
  readonly initDurationMs: number | null;
  readonly restoreDurationMs: number | null;
  readonly billedRestoreDurationMs: number | null;
}

/**
 * The time that an Init or an invoke may take. One clock holds for an invoke and an Init that was tried again within
 * it.
 */
export interface InvokeClock {
  readonly startMs: number;
  readonly deadline: Deadline;
  /** Wall clock, for the runtime's header. */
  readonly deadlineAtMs: number;
}

/** A response that has come to its end, or an error in its place. */
export interface Answer {
  readonly payload: Body;
  readonly functionError: "Unhandled" | null;
  /** As the runtime named the handler's error; null where there is none. */
  readonly handlerError: string | null;
  /** For the REPORT line; null where the response is good. */
  readonly errorType: string | null;
  /** The error document of an error after the head of a streamed response; empty where there is none. */
  readonly lateDetails: string;
}

/** An invocation: the environment that runs it, the request, and its time. */
export interface Invocation {
  readonly brought: Brought;
  readonly request: InvokeRequest;
  readonly clock: InvokeClock;
  readonly cold: ColdStart;
}
