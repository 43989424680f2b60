/** Log events of several functions at once. */
import * as z from "zod";
import { logEvent } from "./answers.ts";
import type { Frozen } from "./frozen.ts";

export const placedLogEvent = logEvent.extend({
  sequence: z.number().describe("Unlike that of any other event, and rising in the order in which events were written"),
  functionName: z.string(),
});

/** A line of a follower: an event, or how many it was too slow for. */
export const followedLogEvent = z.union([
  placedLogEvent,
  z.object({ skipped: z.number().describe("Events that were left out since the line before") }),
]);

export const logPage = z.object({
  events: z.array(placedLogEvent).describe("In the order of time"),
  before: z
    .string()
    .optional()
    .describe("Parameter `before` of the page with older events; left out where there are none. A page may be empty"),
});

export type PlacedLogEvent = Frozen<z.infer<typeof placedLogEvent>>;
export type FollowedLogEvent = Frozen<z.infer<typeof followedLogEvent>>;
export type LogPage = Frozen<z.infer<typeof logPage>>;
