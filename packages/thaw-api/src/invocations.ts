/** What Thaw keeps of recent invocations, in memory only: a start of the server begins anew. */
import * as z from "zod";
import type { Frozen } from "./frozen.ts";
import { INVOCATION_OUTCOMES } from "./outcomes.ts";

/**
 * The environment that served it. restored: a clone made for it from a snapshot. initialised: made for it by Init.
 * warm: it had served before. provisioned: initialised ahead, for provisioned concurrency.
 */
export const INVOCATION_STARTS = ["restored", "initialised", "warm", "provisioned"] as const;

const milliseconds = z.number().describe("Milliseconds");

export const invocation = z.object({
  sequence: z.number().describe("Rises with each invocation that ends, over starts of the server, too; has gaps"),
  requestId: z.string(),
  functionName: z.string(),
  version: z.string().describe("The version that ran: `$LATEST` or a number"),
  startedAtMs: z.number().describe("Time at which it came to the worker"),
  outcome: z.enum(INVOCATION_OUTCOMES),
  errorType: z
    .string()
    .nullable()
    .describe("As the runtime or the platform names the error; null: there is none, or it was not named"),
  start: z.enum(INVOCATION_STARTS).nullable().describe("Null: no environment was ready for it"),
  totalMs: milliseconds.describe("Milliseconds until the caller had its answer, cold start included"),
  durationMs: milliseconds.nullable().describe("Duration as in REPORT; null: the handler was not reached"),
  initDurationMs: milliseconds.nullable(),
  restoreDurationMs: milliseconds.nullable(),
  memoryMaxMib: z.number().nullable(),
  memorySizeMib: z.number(),
  environmentId: z.string().nullable(),
  logStream: z.string().nullable(),
  snapshotId: z.string().nullable().describe("The snapshot that its environment was restored from"),
});

/** By name of the phase. */
const phaseTimes = z.record(z.string(), z.number());

export const invocationDetails = invocation.extend({
  phases: phaseTimes.describe("Durations of the phases of the start of its environment; empty where it was warm"),
  phaseStarts: phaseTimes.describe(
    "Starts of these phases, in milliseconds since `startedAtMs`; negative for what a parked clone did ahead",
  ),
  workingSet: z
    .object({
      faults: z.number().describe("Page faults that were served while it ran"),
      prefetchedPages: z.number(),
      pages: z.number().describe("Pages of the recorded working set, 4 KiB each"),
      recordings: z.number(),
      decryptMs: milliseconds,
    })
    .nullable()
    .describe(
      "How the memory of a restored clone came; null where it was not restored, and until that is counted, which is after the answer. The phase `prefetch` comes with it, all others are there from the beginning",
    ),
  compared: z.object({
    restoreP50Ms: milliseconds.nullable().describe("Median of the recent restores of this version"),
    initDurationMs: milliseconds.nullable().describe("Median of the recent Inits of this version"),
  }),
  runs: z.array(z.number()).describe("`sequence` of each run of this request, the oldest first: events are retried"),
});

/** A line of a follower: an invocation, or how many it was too slow for. */
export const followedInvocation = z.union([
  invocation,
  z.object({ skipped: z.number().describe("Invocations that were left out since the line before") }),
]);

export type InvocationStart = (typeof INVOCATION_STARTS)[number];
export type InvocationSummary = Frozen<z.infer<typeof invocation>>;
export type InvocationDetails = Frozen<z.infer<typeof invocationDetails>>;
export type FollowedInvocation = Frozen<z.infer<typeof followedInvocation>>;
