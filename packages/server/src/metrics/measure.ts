/** Figures of a worker's deeds, and its recent invocations, taken from outside: a Worker around it, and its reports. */
import type { AsyncReport, EventSourceReport, InvocationReport, RestoreReport } from "../ports/reports.ts";
import type { InvokeOutcome, RunnableVersion, SnapshotOutcome, Worker } from "../ports/worker.ts";
import type { RecentInvocations } from "./recent-invocations.ts";
import type { Metrics } from "./registry.ts";

const MS_PER_S = 1000;

/** `nameOf`: the name of a function in figures. */
export function measureWorker(
  worker: Worker,
  metrics: Metrics,
  recent: Pick<RecentInvocations, "begin" | "answered" | "abandoned">,
  nameOf: (version: RunnableVersion) => string = ({ functionName }) => functionName,
): Worker {
  return {
    async invoke(version, input) {
      metrics.add("thaw_concurrent_executions", 1);
      const begun = recent.begin(version, input);
      try {
        const outcome = await worker.invoke(version, input);
        countOutcome(metrics, nameOf(version), outcome);
        recent.answered(begun, outcome);
        return outcome;
      } catch (error) {
        recent.abandoned(begun);
        throw error;
      } finally {
        metrics.add("thaw_concurrent_executions", -1);
      }
    },
    async createSnapshot(...parameters) {
      const outcome = await worker.createSnapshot(...parameters);
      countSnapshot(metrics, outcome);
      return outcome;
    },
    removeSnapshot: (...parameters) => worker.removeSnapshot(...parameters),
    sweepSnapshots: (named) => worker.sweepSnapshots(named),
    listSnapshots: () => worker.listSnapshots(),
    runtimeProblem: (runtime) => worker.runtimeProblem(runtime),
    installRuntime: (runtime) => worker.installRuntime(runtime),
    uidsInUse: () => worker.uidsInUse(),
    contentInUse: () => worker.contentInUse(),
    report: () => worker.report(),
    observe: (environmentId) => worker.observe(environmentId),
    inspectSnapshot: (...parameters) => worker.inspectSnapshot(...parameters),
    stopEnvironments: (filter) => worker.stopEnvironments(filter),
    provision: (targets) => worker.provision(targets),
    close: (graceMs) => worker.close(graceMs),
  };
}

export function countInvocation(
  metrics: Metrics,
  report: Pick<InvocationReport, "functionName" | "durationMs" | "initDurationMs">,
): void {
  const labels = { function_name: report.functionName };
  metrics.observe("thaw_duration_seconds", report.durationMs / MS_PER_S, labels);
  if (report.initDurationMs !== null)
    metrics.observe("thaw_init_duration_seconds", report.initDurationMs / MS_PER_S, labels);
}

export function countAsync(metrics: Metrics, report: AsyncReport): void {
  const labels = { function_name: report.functionName };
  switch (report.kind) {
    case "received":
      return metrics.count("thaw_async_events_received_total", labels);
    case "started":
      return metrics.observe("thaw_async_event_age_seconds", report.ageMs / MS_PER_S, labels);
    case "dropped":
      return metrics.count("thaw_async_events_dropped_total", labels);
    case "recursion-dropped":
      return metrics.count("thaw_recursive_invocations_dropped_total", labels);
    case "delivery-failed":
      return metrics.count("thaw_destination_delivery_failures_total", labels);
    case "dead-letter-failed":
      return metrics.count("thaw_dead_letter_errors_total", labels);
  }
}

export function countEventSource(metrics: Metrics, report: EventSourceReport): void {
  const labels = { function_name: report.functionName, service: report.service };
  switch (report.kind) {
    case "polled":
      return metrics.count("thaw_event_source_polled_total", labels, report.count);
    case "filtered":
      return metrics.count("thaw_event_source_filtered_total", labels, report.count);
    case "started":
      if (report.lagMs !== null) metrics.observe("thaw_event_source_lag_seconds", report.lagMs / MS_PER_S, labels);
      return;
    case "ended":
      metrics.count("thaw_event_source_batches_total", { ...labels, result: report.result });
      return metrics.count("thaw_event_source_failed_total", labels, report.failedCount);
    case "dropped":
      return metrics.count("thaw_event_source_dropped_total", labels, report.count);
    case "poll-failed":
      return metrics.count("thaw_event_source_poll_errors_total", labels);
  }
}

export function countRestore(
  metrics: Metrics,
  report: Pick<RestoreReport, "functionName" | "outcome" | "restoreDurationMs" | "phases">,
): void {
  const { functionName, outcome, restoreDurationMs, phases } = report;
  metrics.observe("thaw_restore_duration_seconds", restoreDurationMs / MS_PER_S, {
    function_name: functionName,
    outcome,
  });
  for (const [phase, durationMs] of Object.entries(phases))
    metrics.observe("thaw_restore_phase_duration_seconds", durationMs / MS_PER_S, { phase });
}

function countOutcome(metrics: Metrics, functionName: string, outcome: InvokeOutcome): void {
  const labels = { function_name: functionName };
  switch (outcome.kind) {
    case "response":
      metrics.count("thaw_invocations_total", labels);
      if (outcome.functionError !== null) metrics.count("thaw_errors_total", labels);
      return;
    case "restore-error":
    case "restore-timeout":
      metrics.count("thaw_invocations_total", labels);
      metrics.count("thaw_errors_total", labels);
      return;
    case "throttled":
      metrics.count("thaw_throttles_total", labels);
      return;
    case "platform-error":
      metrics.count("thaw_platform_errors_total", { code: outcome.code });
  }
}

function countSnapshot(metrics: Metrics, outcome: SnapshotOutcome): void {
  metrics.count("thaw_snapshots_taken_total", { outcome: outcome.kind });
  if (outcome.kind === "ready") metrics.observe("thaw_snapshot_size_bytes", outcome.memoryBytes + outcome.diskBytes);
}
