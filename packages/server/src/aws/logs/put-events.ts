/** PutLogEvents: what a client writes into a stream that it has made. */
import type { OperationTypes } from "@thaw/aws-api/logs";
import { logGroupArn } from "../../model/log-group.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { invalidParameter, type LogsContext, missing, refuseMembers } from "./context.ts";
import { eventIdOf } from "./tokens.ts";

type In = OperationTypes["PutLogEvents"]["input"];
type Out = OperationTypes["PutLogEvents"]["output"];
type Rejected = NonNullable<Out["rejectedLogEventsInfo"]>;

/** AWS's limits: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
const BATCH_BYTES_MAX = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SPAN_MS_MAX = DAY_MS;
const PAST_MS_MAX = 14 * DAY_MS;
const FUTURE_MS_MAX = 2 * HOUR_MS;

export function putOperations(context: LogsContext): Pick<ServiceOperations<OperationTypes>, "PutLogEvents"> {
  return { PutLogEvents: (input) => putEvents(context, input) };
}

/** AWS takes any sequence token, and so does Thaw. */
async function putEvents({ scope, logs, clock }: LogsContext, input: In): Promise<Out> {
  refuseMembers(input, ["entity"]);
  checkBatch(input.logEvents);
  const groupArn = logGroupArn(scope, input.logGroupName);
  const group = await logs.findGroup(groupArn);
  if (group === null) throw missing("no group");
  const nowMs = clock.nowMs();
  const { accepted, rejected } = sortOut(input.logEvents, nowMs, group.retentionDays);
  checkSpan(accepted);
  const events = accepted.map(({ timestamp, message }) => ({ timestampMs: timestamp, message }));
  // Asked also without events: whether the stream is there.
  const written = await logs.putEvents(groupArn, input.logStreamName, events);
  if (written !== "written") throw missing(written);
  return {
    nextSequenceToken: eventIdOf({ timestampMs: nowMs, id: 0 }),
    ...(rejected === null ? {} : { rejectedLogEventsInfo: rejected }),
  };
}

function checkBatch(events: In["logEvents"]): void {
  let bytes = 0;
  let last = 0;
  for (const { timestamp, message } of events) {
    if (message === "")
      throw invalidParameter(
        "1 validation error detected: Value '' at 'logEvents.1.member.message' failed to satisfy constraint: " +
          "Member must have length greater than or equal to 1",
      );
    bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
    if (timestamp < last)
      throw invalidParameter("Log events in a single PutLogEvents request must be in chronological order.");
    last = timestamp;
  }
  if (bytes > BATCH_BYTES_MAX)
    throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${BATCH_BYTES_MAX}`);
}

function checkSpan(events: In["logEvents"]): void {
  const [first, last] = [events[0]?.timestamp ?? 0, events.at(-1)?.timestamp ?? 0];
  if (last - first > SPAN_MS_MAX)
    throw invalidParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
}

/** Events are in the order of time: those that are too old are at the beginning, those that are too new at the end. */
function sortOut(
  events: In["logEvents"],
  nowMs: number,
  retentionDays: number | null,
): { readonly accepted: In["logEvents"]; readonly rejected: Rejected | null } {
  const before = (timeMs: number): number => {
    const index = events.findIndex(({ timestamp }) => timestamp >= timeMs);
    return index === -1 ? events.length : index;
  };
  const tooOldEnd = before(nowMs - PAST_MS_MAX);
  const expiredEnd = retentionDays === null ? 0 : before(nowMs - retentionDays * DAY_MS);
  const tooNewStart = before(nowMs + FUTURE_MS_MAX + 1);
  const rejected: Rejected = {
    ...(tooNewStart < events.length ? { tooNewLogEventStartIndex: tooNewStart } : {}),
    ...(tooOldEnd > 0 ? { tooOldLogEventEndIndex: tooOldEnd } : {}),
    ...(expiredEnd > tooOldEnd ? { expiredLogEventEndIndex: expiredEnd } : {}),
  };
  return {
    accepted: events.slice(Math.max(tooOldEnd, expiredEnd), tooNewStart),
    rejected: Object.keys(rejected).length === 0 ? null : rejected,
  };
}
