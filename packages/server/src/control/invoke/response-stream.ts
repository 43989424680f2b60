/**
 * The events of InvokeWithResponseStream: the response in pieces, then how it ended. A client that goes away ends the
 * reading and not the function, as on AWS.
 */
import type { InvokeWithResponseStreamResponseEvent } from "@thaw/aws-api";
import { RESPONSE_SIZE_BYTES_MAX } from "../../model/payload-limits.ts";
import type { InvokeSuccess } from "../../ports/worker.ts";

export async function* streamEvents(
  outcome: InvokeSuccess,
): AsyncGenerator<InvokeWithResponseStreamResponseEvent, void, undefined> {
  const { stream } = outcome;
  if (stream === null) return yield* wholeEvents(outcome);
  try {
    for await (const Payload of outcome.payload) yield { PayloadChunk: { Payload } };
  } catch {
    // The completion has the reason.
  }
  const { error, logTail } = await stream.completion;
  yield complete(error, logTail);
}

/** A response that was not streamed is one piece; an error in its place is told at the end alone. */
async function* wholeEvents(
  outcome: InvokeSuccess,
): AsyncGenerator<InvokeWithResponseStreamResponseEvent, void, undefined> {
  const Payload = await outcome.payload.collect(RESPONSE_SIZE_BYTES_MAX);
  const { functionError, logTail } = outcome;
  if (functionError === null) {
    yield { PayloadChunk: { Payload } };
    yield complete(null, logTail);
  } else yield complete({ code: functionError, details: Payload.toString("utf8") }, logTail);
}

function complete(
  error: { readonly code: string; readonly details: string } | null,
  logTail: Buffer | null,
): InvokeWithResponseStreamResponseEvent {
  return {
    InvokeComplete: {
      ...(error === null ? {} : { ErrorCode: error.code, ErrorDetails: error.details }),
      ...(logTail === null ? {} : { LogResult: logTail.toString("base64") }),
    },
  };
}
