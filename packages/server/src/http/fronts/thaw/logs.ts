/** logs/FUNCTION, log-events, log-events/follow */
import type { QueryOf } from "@thaw/thaw-api";
import type { LogSearchWish } from "../../../control/operator/log-search.ts";
import type { Handlers, ScopedServices } from "./handlers.ts";

const PAGE_LENGTH = 100;

/** Makes the handlers of the routes about logs. */
export function logHandlers({ control }: ScopedServices): Handlers<"readLogs" | "searchLogs" | "followLogs"> {
  return {
    readLogs: ({ parameters, query, gone }) =>
      control.logs.read(parameters.function, {
        sinceMs: query.since ?? 0,
        follow: query.follow === true,
        signal: gone,
      }),
    searchLogs: ({ query }) =>
      control.logSearch.search({
        ...wishOf(query),
        sinceMs: query.since ?? 0,
        before: query.before || null,
        countMax: query.limit ?? PAGE_LENGTH,
      }),
    followLogs: ({ query, gone }) => control.logSearch.follow(wishOf(query), gone),
  };
}

/** Parameters that are empty are not set. */
function wishOf({ function: names, requestId, q }: QueryOf<"followLogs">): LogSearchWish {
  return {
    functions: names ? names.split(",").map((name) => name.trim()) : null,
    requestId: requestId || null,
    text: q || null,
  };
}
