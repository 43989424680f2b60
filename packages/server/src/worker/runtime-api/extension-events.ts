/** The events of the Extensions API, field by field as AWS sends them (environment-behaviour, section 2). */
import { systemRandom } from "../../base/random.ts";
import type { InvokeInput } from "../../ports/worker.ts";
import type { EventForExtension } from "./extension.ts";

/** AWS's reasons for a shutdown, in lower case on the wire. */
export type ShutdownReason = "spindown" | "timeout" | "failure";

/** Makes the INVOKE event of an invocation. `deadlineMs`: wall clock at which its time is over. */
export function invokeEvent(
  { requestId, invokedFunctionArn, traceId }: Pick<InvokeInput, "requestId" | "invokedFunctionArn" | "traceId">,
  deadlineMs: number,
): EventForExtension {
  return {
    type: "INVOKE",
    headers: { "Lambda-Extension-Event-Identifier": systemRandom.uuid() },
    document: {
      eventType: "INVOKE",
      deadlineMs,
      requestId,
      invokedFunctionArn,
      ...(traceId === null ? {} : { tracing: { type: "X-Amzn-Trace-Id", value: traceId } }),
    },
  };
}

/** Makes the SHUTDOWN event. `deadlineMs`: wall clock at which the extension is killed. */
export function shutdownEvent(shutdownReason: ShutdownReason, deadlineMs: number): EventForExtension {
  return { type: "SHUTDOWN", headers: {}, document: { eventType: "SHUTDOWN", deadlineMs, shutdownReason } };
}
