/** overview, invocations, invocations/follow, invocations/ID, series */
import type { QueryOf } from "@thaw/thaw-api";
import { SERIES_MINUTES_MAX } from "@thaw/thaw-api/series";
import type { InvocationWish } from "../../../ports/invocation-history.ts";
import type { Handlers, ScopedServices } from "./handlers.ts";

type InvocationRoute = "getOverview" | "listInvocations" | "followInvocations" | "getInvocation" | "readSeries";

const PAGE_LENGTH = 100;

/** Makes the handlers of the routes about invocations and what is seen first. */
export function invocationHandlers({ control }: ScopedServices): Handlers<InvocationRoute> {
  return {
    getOverview: async () => control.overview.describe(await control.snapshots.list()),
    async listInvocations({ query }) {
      const page = await control.invocations.list(wishOf(query), query.before ?? null, query.limit ?? PAGE_LENGTH);
      const last = page.invocations.at(-1);
      const more = page.hasMore && last !== undefined ? { before: last.sequence } : {};
      return { invocations: page.invocations, ...more };
    },
    followInvocations: ({ query, gone }) => control.invocations.follow(wishOf(query), query.after ?? null, gone),
    getInvocation: ({ parameters, query }) =>
      control.invocations.describe(parameters.requestId, query.sequence ?? null),
    readSeries: ({ query }) =>
      // Empty as well: the name of no function.
      control.invocations.series(query.function || null, query.minutes ?? SERIES_MINUTES_MAX),
  };
}

/** Filters that are empty are not set. */
function wishOf(query: QueryOf<"followInvocations"> | QueryOf<"listInvocations">): InvocationWish {
  return {
    functionName: query.function || undefined,
    version: query.version || undefined,
    outcome: query.outcome,
    start: query.start,
    isCold: query.cold,
    environmentId: query.environment || undefined,
  };
}
