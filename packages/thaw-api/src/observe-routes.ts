/** Routes for those who watch: invocations, series, the overview, logs of several functions, test and prime events. */
import * as z from "zod";
import { INVOCATION_STARTS, followedInvocation, invocation, invocationDetails } from "./invocations.ts";
import { followedLogEvent, logPage } from "./log-events.ts";
import { INVOCATION_OUTCOMES } from "./outcomes.ts";
import { choice, flag, json, number, type RouteForm, text } from "./route.ts";
import { overview, series, SERIES_MINUTES_MAX } from "./series.ts";
import { primeEvents, TEST_EVENT_BYTES_MAX, testEvent, testEvents } from "./test-events.ts";

const PAGE_MAX = 1000;

const limit = number(
  `Length of a page, 1 to ${PAGE_MAX}; without it 100`,
  (value) => Number.isInteger(value) && value >= 1 && value <= PAGE_MAX,
  `a whole number from 1 to ${PAGE_MAX}`,
);
const sequence = (about: string) => number(about, Number.isSafeInteger, "a whole number");
const ofFunctions = text("Names of functions, separated by commas; without it all of the account");
const ofInvocations = {
  function: text("Name of a function"),
  version: text("Version that ran: `$LATEST` or a number"),
  outcome: choice(INVOCATION_OUTCOMES, "`outcome` of an invocation"),
  start: choice(INVOCATION_STARTS, "`start` of an invocation"),
  cold: flag("Only those that an environment was restored or initialised for"),
  environment: text("`environmentId`"),
};
const ofLogs = {
  function: ofFunctions,
  requestId: text("Only the lines of this request; of the last run where it was retried"),
  q: text("Only events with this text, upper and lower case told apart; at most 256 characters"),
};
/** An event whose every character is escaped in JSON, and the members around it. */
const TEST_EVENT_BODY_BYTES_MAX = 6 * TEST_EVENT_BYTES_MAX + 1024;

export const INVOCATION_ROUTES = {
  getOverview: {
    method: "GET",
    path: "overview",
    about: "Gives the functions with their snapshots and counts, and the last invocations, in one answer.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(overview),
  },
  listInvocations: {
    method: "GET",
    path: "invocations",
    about:
      "Lists recent invocations, newest first: up to 200 of a function and 5,000 in all, since the start of the server.",
    query: { ...ofInvocations, before: sequence("`sequence` of the last invocation of the page before"), limit },
    body: null,
    bodyBytesMax: 0,
    answer: json(
      z.object({
        invocations: z.array(invocation),
        before: z.number().optional().describe("Parameter `before` of the page that follows; left out on the last one"),
      }),
    ),
  },
  followInvocations: {
    method: "GET",
    path: "invocations/follow",
    about:
      "Gives invocations as JSON lines when they end, until the client leaves. A client that is too slow gets a line with `skipped` in place of those that were left out.",
    isEndless: true,
    query: { ...ofInvocations, after: sequence("`sequence` behind which to begin; without it with what comes") },
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "lines", schema: followedInvocation },
  },
  getInvocation: {
    method: "GET",
    path: "invocations/{requestId}",
    about: "Describes a recent invocation with the phases of its cold start.",
    query: { sequence: sequence("One of `runs`; without it the last run of the request") },
    body: null,
    bodyBytesMax: 0,
    answer: json(invocationDetails),
  },
  readSeries: {
    method: "GET",
    path: "series",
    about: "Gives counts and durations of each minute, of a function or of all functions of the account together.",
    query: {
      function: text("Name of a function; without it all"),
      minutes: number(
        `How many minutes back, 1 to ${SERIES_MINUTES_MAX}; without it all`,
        (value) => Number.isInteger(value) && value >= 1 && value <= SERIES_MINUTES_MAX,
        `a whole number from 1 to ${SERIES_MINUTES_MAX}`,
      ),
    },
    body: null,
    bodyBytesMax: 0,
    answer: json(series),
  },
} as const satisfies Readonly<Record<string, RouteForm>>;

export const LOG_ROUTES = {
  searchLogs: {
    method: "GET",
    path: "log-events",
    about:
      "Gives the newest log events of functions, and page by page older ones. What is looked at for one page is limited: it may have fewer events than asked for, or none, and not be the last.",
    query: {
      ...ofLogs,
      since: number("Milliseconds since the epoch of the first event wanted", Number.isFinite, "milliseconds"),
      before: text("`before` of the page that follows this one in time"),
      limit,
    },
    body: null,
    bodyBytesMax: 0,
    answer: json(logPage),
  },
  followLogs: {
    method: "GET",
    path: "log-events/follow",
    about:
      "Gives log events of functions as JSON lines when they are written, until the client leaves. A client that is too slow gets a line with `skipped` in place of those that were left out.",
    isEndless: true,
    query: ofLogs,
    body: null,
    bodyBytesMax: 0,
    answer: { kind: "lines", schema: followedLogEvent },
  },
} as const satisfies Readonly<Record<string, RouteForm>>;

export const TEST_EVENT_ROUTES = {
  listTestEvents: {
    method: "GET",
    path: "test-events/{function}",
    about: "Lists the saved test events of a function. They stay when it is deleted.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(testEvents),
  },
  getTestEvent: {
    method: "GET",
    path: "test-events/{function}/{name}",
    about: "Gives a saved test event.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(testEvent),
  },
  putTestEvent: {
    method: "PUT",
    path: "test-events/{function}/{name}",
    about: "Saves a test event, in place of one of that name: at most 100 of a function, 256 KiB each.",
    query: {},
    body: z.strictObject({ event: z.string().describe("JSON text") }),
    bodyBytesMax: TEST_EVENT_BODY_BYTES_MAX,
    answer: json(testEvents),
  },
  deleteTestEvent: {
    method: "POST",
    path: "test-events/{function}/{name}/delete",
    about: "Deletes a saved test event.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(testEvents),
  },
  readPrimeEvents: {
    method: "GET",
    path: "prime-events/{function}",
    about: "Gives the prime events of a function; named with a version or an alias, of that version.",
    query: {},
    body: null,
    bodyBytesMax: 0,
    answer: json(primeEvents),
  },
} as const satisfies Readonly<Record<string, RouteForm>>;
