/** One-minute series of the last six hours, in memory only, and the first page of the console. */
import * as z from "zod";
import { SNAPSHOT_STATES } from "./answers.ts";
import type { Frozen } from "./frozen.ts";
import { invocation } from "./invocations.ts";

export const SERIES_MINUTES_MAX = 360;
/** Minutes of the counts in the overview. */
export const OVERVIEW_MINUTES = 15;
/** Minutes of its small charts. */
export const OVERVIEW_CHART_MINUTES = 60;

const quantiles = z
  .object({ p50: z.number(), p90: z.number(), max: z.number() })
  .nullable()
  .describe("Milliseconds; the quantiles are estimated from 12 classes. Null: there was none in this minute");

const counts = {
  invocations: z.number().describe("Those that ended, with an answer or an error of the function"),
  errors: z.number().describe("Errors of the function, timeouts among them"),
  throttles: z.number(),
  platformErrors: z.number(),
  coldStarts: z.number().describe("Invocations that an environment was restored or initialised for"),
};

export const seriesPoint = z.object({
  atMs: z.number().describe("Beginning of the minute"),
  ...counts,
  duration: quantiles,
  restore: quantiles,
});

export const series = z.object({
  fromMs: z.number().describe("Beginning of the first minute asked for"),
  untilMs: z.number().describe("End of the minute that has not ended yet"),
  points: z.array(seriesPoint).describe("In the order of time; minutes without an invocation are left out"),
});

export const overviewFunction = z.object({
  functionName: z.string(),
  description: z.string(),
  runtime: z.string().describe("Empty for a container image"),
  memorySizeMib: z.number(),
  lastModified: z.string(),
  newestVersion: z.string().nullable().describe("The newest published version; null: none is"),
  versions: z.number().describe("Published versions"),
  hasSnapStart: z.boolean().describe("Whether versions that are published now get a snapshot"),
  snapshot: z
    .object({ version: z.string(), status: z.enum(SNAPSHOT_STATES), reason: z.string().nullable() })
    .nullable()
    .describe("Of the newest version that has SnapStart"),
  aliases: z.array(z.object({ name: z.string(), version: z.string() })),
  environments: z.number(),
  counts: z.object(counts).describe(`Of the last ${OVERVIEW_MINUTES} minutes`),
  chart: z
    .array(z.number())
    .describe(`Invocations of each of the last ${OVERVIEW_CHART_MINUTES} minutes, oldest first`),
  restoreP50Ms: z.number().nullable().describe("Median of its recent restores"),
  lastInvokedAtMs: z.number().nullable().describe("Null: not since the start of the server"),
});

export const overview = z.object({
  atMs: z.number(),
  functions: z.array(overviewFunction).describe("By name"),
  invocations: z.array(invocation).describe("The last 20, newest first"),
});

export type SeriesPoint = Frozen<z.infer<typeof seriesPoint>>;
export type Series = Frozen<z.infer<typeof series>>;
export type OverviewFunction = Frozen<z.infer<typeof overviewFunction>>;
export type Overview = Frozen<z.infer<typeof overview>>;
