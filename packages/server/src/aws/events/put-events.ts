/** PutEvents: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
import type * as types from "@thaw/aws-api/events";
import { Turns } from "../../base/turns.ts";
import type { Caller } from "../../model/caller.ts";
import type { BusEvent } from "../../model/event-bus/event.ts";
import { busArn, readBusName } from "../../model/event-bus/names.ts";
import { isMap } from "@thaw/installation/json-map";
import { parseJson } from "../../model/event-json.ts";
import { isSameScope } from "../../model/function-name.ts";
import { checkHonoured } from "./honoured.ts";
import { type EventsParts, invalid } from "./stored-events.ts";

/** AWS's limit of all entries together, and what it counts for a time. */
const ENTRIES_BYTES_MAX = 1_048_576;
const TIME_BYTES = 14;
/** Levels of lists and objects: deeper details are none that a pattern can be matched with. */
const DEPTH_MAX = 900;

type Entry = types.PutEventsRequestEntry;
type Result = types.PutEventsResultEntry;

export async function putEvents(
  { scope, buses, clock, random }: EventsParts,
  input: types.PutEventsRequest,
  caller: Caller,
): Promise<types.PutEventsResponse> {
  checkHonoured("PutEvents", input);
  if (input.Entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > ENTRIES_BYTES_MAX)
    throw invalid("Total size of the entries in the request is over the limit.");
  const results: Result[] = [];
  const turns = new Turns(clock);
  for (const entry of input.Entries) {
    const { owner, name } = readBusName(entry.EventBusName ?? null);
    const problem = problemOf(entry);
    if (problem !== null) results.push(problem);
    else if (owner !== null && !isSameScope(owner, scope))
      results.push(failed("AccessDeniedException", forbidden(caller, busArn(owner, name))));
    else {
      const event = eventOf(entry, random.uuid(), clock.nowMs());
      const [refusal = null] = await buses.put(name, [event]);
      results.push(refusal === null ? { EventId: event.id } : failed("InvalidArgument", refusal));
    }
    await turns.next();
  }
  return { FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode !== undefined).length, Entries: results };
}

function sizeOf({ Time, Source = "", DetailType = "", Detail = "", Resources = [] }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : TIME_BYTES);
}

function problemOf({ Source, DetailType, Detail }: Entry): Result | null {
  for (const [name, text] of Object.entries({ Source, DetailType, Detail }))
    if (text === undefined || text === "")
      return failed("InvalidArgument", `Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
  if (Source?.startsWith("aws.") === true)
    return failed("NotAuthorizedForSourceException", "Not authorized for the source.");
  return isDetail(Detail ?? "") ? null : failed("MalformedDetail", "Detail is malformed.");
}

function isDetail(text: string): boolean {
  try {
    return isMap(parseJson(text, DEPTH_MAX));
  } catch {
    return false;
  }
}

function eventOf(entry: Entry, id: string, nowMs: number): BusEvent {
  return {
    id,
    source: entry.Source ?? "",
    detailType: entry.DetailType ?? "",
    timeMs: entry.Time?.getTime() ?? nowMs,
    resources: entry.Resources ?? [],
    detail: entry.Detail ?? "",
    traceId: entry.TraceHeader ?? null,
  };
}

function failed(ErrorCode: string, ErrorMessage: string): Result {
  return { ErrorCode, ErrorMessage };
}

function forbidden({ principalArn }: Caller, arn: string): string {
  return `User: ${principalArn} is not authorized to perform: events:PutEvents on resource: ${arn} because no resource-based policy allows the events:PutEvents action`;
}
