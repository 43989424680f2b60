/**
 * Every figure that Thaw gives, declared once: `registry.ts` makes them, docs/reference/metrics.md is generated from
 * them. Names are Prometheus's form of CloudWatch's where CloudWatch has the figure; units are seconds and bytes.
 */
export interface MetricDeclaration {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly unit: string;
  readonly help: string;
  /** Things that one could expect in it, and that are not counted. */
  readonly notCounted: string;
  readonly healthy: string;
  readonly labels: readonly string[];
  /** CloudWatch's name, in AWS/Lambda. */
  readonly cloudWatch: string | null;
  readonly buckets?: readonly number[];
}

/** From a warm invoke to the longest function. */
const INVOKE_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
/** From an event that is run at once to the six hours after which none is. */
const EVENT_AGE_BUCKETS_S = [0.01, 0.1, 1, 10, 60, 120, 300, 900, 3600, 21_600];
/** A restore is tens of milliseconds; its limit is 10 s. */
const RESTORE_BUCKETS_S = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10];

function declare(declaration: MetricDeclaration): MetricDeclaration {
  return declaration;
}

export const METRICS = {
  thaw_invocations_total: declare({
    kind: "counter",
    unit: "invocations",
    help: "Invocations that a function answered, with a result or with an error.",
    notCounted: "throttled ones, those that the platform could not run, DryRun",
    healthy: "whatever the clients send",
    labels: ["function_name"],
    cloudWatch: "Invocations",
  }),
  thaw_errors_total: declare({
    kind: "counter",
    unit: "invocations",
    help: "Invocations that ended in an error of the function: thrown, timed out, out of memory, exited, or a failed restore hook.",
    notCounted: "errors of the platform (thaw_platform_errors_total)",
    healthy: "0, or what the function is known for",
    labels: ["function_name"],
    cloudWatch: "Errors",
  }),
  thaw_throttles_total: declare({
    kind: "counter",
    unit: "invocations",
    help: "Invocations refused with TooManyRequestsException because the host's limits were reached.",
    notCounted: "refusals for the state of a version (409)",
    healthy: "0; else raise --environments-max or --memory-max-mib",
    labels: ["function_name"],
    cloudWatch: "Throttles",
  }),
  thaw_duration_seconds: declare({
    kind: "histogram",
    unit: "seconds",
    help: "Duration of an invocation as REPORT has it: from the event's delivery until the runtime is ready again.",
    notCounted: "Init, Restore, and waiting for an environment",
    healthy: "far below the function's timeout",
    labels: ["function_name"],
    cloudWatch: "Duration",
    buckets: INVOKE_BUCKETS_S,
  }),
  thaw_async_events_received_total: declare({
    kind: "counter",
    unit: "events",
    help: "Asynchronous invokes that were accepted, those of destinations included.",
    notCounted: "attempts that follow the first one",
    healthy: "whatever the clients send",
    labels: ["function_name"],
    cloudWatch: "AsyncEventsReceived",
  }),
  thaw_async_event_age_seconds: declare({
    kind: "histogram",
    unit: "seconds",
    help: "Age of an accepted event at the start of each of its runs.",
    notCounted: "events that wait",
    healthy: "near 0; it grows with throttles and with failures of the function",
    labels: ["function_name"],
    cloudWatch: "AsyncEventAge",
    buckets: EVENT_AGE_BUCKETS_S,
  }),
  thaw_async_events_dropped_total: declare({
    kind: "counter",
    unit: "events",
    help: "Accepted events that were given up: retries exhausted, too old, a reserved concurrency of 0, a loop, or a version that is gone.",
    notCounted: "events that went with their function when it was deleted",
    healthy: "0; destinations and dead letters have the events, where they are set",
    labels: ["function_name"],
    cloudWatch: "AsyncEventsDropped",
  }),
  thaw_destination_delivery_failures_total: declare({
    kind: "counter",
    unit: "records",
    help: "Records that no destination took: refused for good, or for four days of attempts.",
    notCounted: "attempts that are followed by another one",
    healthy: "0",
    labels: ["function_name"],
    cloudWatch: "DestinationDeliveryFailures",
  }),
  thaw_dead_letter_errors_total: declare({
    kind: "counter",
    unit: "events",
    help: "Dead letters that no queue or topic took: refused for good, or for four days of attempts.",
    notCounted: "attempts that are followed by another one",
    healthy: "0",
    labels: ["function_name"],
    cloudWatch: "DeadLetterErrors",
  }),
  thaw_recursive_invocations_dropped_total: declare({
    kind: "counter",
    unit: "invocations",
    help: "Invocations that were refused because the function came back to itself 16 times in one chain of requests.",
    notCounted: "loops of functions whose RecursiveLoop is Allow",
    healthy: "0",
    labels: ["function_name"],
    cloudWatch: "RecursiveInvocationsDropped",
  }),
  thaw_concurrent_executions: declare({
    kind: "gauge",
    unit: "invocations",
    help: "Invocations under way, cold starts included.",
    notCounted: "events that wait in the queue",
    healthy: "below --environments-max",
    labels: [],
    cloudWatch: "ConcurrentExecutions",
  }),
  thaw_platform_errors_total: declare({
    kind: "counter",
    unit: "invocations",
    help: "Invocations answered with ServiceException, by platform error code (errors.md).",
    notCounted: "errors of functions",
    healthy: "0",
    labels: ["code"],
    cloudWatch: null,
  }),
  thaw_init_duration_seconds: declare({
    kind: "histogram",
    unit: "seconds",
    help: "Init of an environment on demand, as REPORT's Init Duration.",
    notCounted: "the Init behind a snapshot",
    healthy: "below 10",
    labels: ["function_name"],
    cloudWatch: null,
    buckets: INVOKE_BUCKETS_S,
  }),
  thaw_restore_duration_seconds: declare({
    kind: "histogram",
    unit: "seconds",
    help: "Restore of a clone, as RESTORE_REPORT has it, after-restore hooks included.",
    notCounted: "the invocation after it",
    healthy: "median below 0.1; a rise with steady functions is the host's",
    labels: ["function_name", "outcome"],
    cloudWatch: null,
    buckets: RESTORE_BUCKETS_S,
  }),
  thaw_restore_phase_duration_seconds: declare({
    kind: "histogram",
    unit: "seconds",
    help: "One step of a restore; steps overlap. `engine` is the engine's call as a whole, the host's own steps and `connect` (to the supervisor) are parts of it. `parked` is from there until the runtime presents the call in which the snapshot was taken, `firstResponse` from the event to the first answer.",
    notCounted: "nothing: every restore writes all its steps",
    healthy: "which step grows says where to look",
    labels: ["phase"],
    cloudWatch: null,
    buckets: RESTORE_BUCKETS_S,
  }),
  thaw_snapshots_taken_total: declare({
    kind: "counter",
    unit: "snapshots",
    help: "Snapshots taken, or tried: ready, function-error, platform-error, cancelled.",
    notCounted: "restores",
    healthy: "platform-error at 0",
    labels: ["outcome"],
    cloudWatch: null,
  }),
  thaw_snapshot_size_bytes: declare({
    kind: "histogram",
    unit: "bytes",
    help: "Memory and disk of a snapshot that was taken, as the function holds them.",
    notCounted: "what encryption, compression and sharing save",
    healthy: "near the function's memory in use",
    labels: [],
    cloudWatch: null,
    buckets: [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 10_240].map((mib) => mib * 1024 * 1024),
  }),
  thaw_snapshots: declare({
    kind: "gauge",
    unit: "snapshots",
    help: "Whole snapshots on this host.",
    notCounted: "those being made",
    healthy: "one for each Active version with SnapStart",
    labels: [],
    cloudWatch: null,
  }),
  thaw_environments: declare({
    kind: "gauge",
    unit: "environments",
    help: "Execution environments by state.",
    notCounted: "ready sandboxes of the pool, which belong to no function yet",
    healthy: "the sum is below --environments-max",
    labels: ["state"],
    cloudWatch: null,
  }),
  thaw_problems_total: declare({
    kind: "counter",
    unit: "problems",
    help: "Lines with the event `problem` in the server's log: what went wrong without a caller to tell.",
    notCounted: "errors of functions",
    healthy: "0",
    labels: [],
    cloudWatch: null,
  }),
  thaw_spans_dropped_total: declare({
    kind: "counter",
    unit: "spans",
    help: "Spans that the trace collector did not take in time.",
    notCounted: "anything where no collector is configured",
    healthy: "0",
    labels: [],
    cloudWatch: null,
  }),
  thaw_data_free_bytes: declare({
    kind: "gauge",
    unit: "bytes",
    help: "Free space where --data is.",
    notCounted: "space that only root may use",
    healthy: "more than the largest snapshot; below that publishing fails with SANDBOX_DISK_FULL",
    labels: [],
    cloudWatch: null,
  }),
  thaw_resident_memory_bytes: declare({
    kind: "gauge",
    unit: "bytes",
    help: "Resident memory of the server process.",
    notCounted: "sandboxd, sandboxes",
    healthy: "level over days",
    labels: [],
    cloudWatch: null,
  }),
  thaw_event_loop_utilization: declare({
    kind: "gauge",
    unit: "ratio",
    help: "Share of time that the server's event loop was busy since the last scrape.",
    notCounted: "threads of the system's file calls",
    healthy: "below 0.7",
    labels: [],
    cloudWatch: null,
  }),
  thaw_uptime_seconds: declare({
    kind: "gauge",
    unit: "seconds",
    help: "Since the server process started.",
    notCounted: "earlier runs",
    healthy: "rising",
    labels: [],
    cloudWatch: null,
  }),
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

export type MetricName = keyof typeof METRICS;
