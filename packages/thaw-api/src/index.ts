/** The public face of Thaw's own API: routes, types, reading of requests, and a client. */
export type {
  EnvironmentSummary,
  HostDescription,
  LocalKey,
  LogEvent,
  ProvisionedSummary,
  ReleaseSummary,
  SnapshotContents,
  SnapshotSummary,
  SnapshotVerification,
} from "./answers.ts";
export { AnswerFormError, type CallOptions, type Send, ThawClient, type ThawRequest } from "./client.ts";
export { DEBUG_BYTES_MAX } from "./debug-routes.ts";
export type {
  FollowedInvocation,
  InvocationDetails,
  InvocationStart,
  InvocationSummary,
} from "./invocations.ts";
export type { InvocationOutcome } from "./outcomes.ts";
export type { FollowedLogEvent, LogPage, PlacedLogEvent } from "./log-events.ts";
export { PREFIX } from "./prefix.ts";
export { answerProblem, matchRoute, readBody, readQuery, RequestFormError, type RouteMatch } from "./read.ts";
export type { AnswerForm, QueryShape, RouteForm } from "./route.ts";
export { type RouteName, ROUTES } from "./routes.ts";
export type { Overview, OverviewFunction, Series, SeriesPoint } from "./series.ts";
export type { TestEvent, TestEvents, TestEventSummary } from "./test-events.ts";
export type { AnswerOf, BodyOf, ParametersOf, QueryOf, RoutesWith } from "./types.ts";
