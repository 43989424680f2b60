/**
 * The point at which the payload of an invoke is taken whole. Everything after it (the wire of Invoke, events, checks)
 * works with bytes that are there; what hands a response on piece by piece must leave this out.
 */
import { RESPONSE_SIZE_BYTES_MAX } from "../../model/payload-limits.ts";
import type { InvokeOutcome, InvokeRefusal, InvokeSuccess } from "../../ports/worker.ts";

export type BufferedOutcome = (Omit<InvokeSuccess, "payload"> & { readonly payload: Buffer }) | InvokeRefusal;

/** Reads the payload of an invoke that was not streamed. */
export async function takeWhole(outcome: InvokeOutcome): Promise<BufferedOutcome> {
  if (outcome.kind !== "response") return outcome;
  return { ...outcome, payload: await outcome.payload.collect(RESPONSE_SIZE_BYTES_MAX) };
}
