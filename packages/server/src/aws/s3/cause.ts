/** What the event of a change says of the request that made it. */
import type { ChangeCause } from "../../model/bucket-events/event.ts";
import type { ObjectEventName } from "../../model/bucket-events/rules.ts";
import { readTraceHeader } from "../../model/trace-header.ts";
import type { S3Call } from "./s3-service.ts";

export function causeOf(call: S3Call, name: ObjectEventName): ChangeCause {
  const { requestId, sourceIp, userId } = call;
  return { name, requestId, sourceIp, userId, traceId: readTraceHeader(call.header("x-amzn-trace-id")) };
}
