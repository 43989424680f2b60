/** What the record of recent invocations costs each invocation, in the process, without the rest of the server. */
import { systemClock } from "@thaw/server/testing/base";
import { RecentInvocations } from "@thaw/server/testing/metrics";
import type { Series } from "./series.ts";

const BATCHES = 200;
const BATCH = 2_000;
const FUNCTIONS = 50;
const SCOPE = { accountId: "000000000000", region: "us-east-1" };

/** Limit: 2 µs. It is measured with the rings full. */
export async function measureRecording(): Promise<Series[]> {
  const recent = new RecentInvocations(systemClock);
  const outcome = { kind: "response", functionError: null, stream: null } as never;
  const versions = Array.from({ length: FUNCTIONS }, (_, index) => ({
    ...SCOPE,
    functionName: `f-${index}`,
    functionArn: `arn:aws:lambda:us-east-1:000000000000:function:f-${index}`,
    version: "1",
    memorySizeMib: 128,
  }));
  const values: number[] = [];
  let count = 0;
  for (let batch = -20; batch < BATCHES; batch++) {
    // The server makes ids and reports for its answers and figures anyway.
    const runs = Array.from({ length: BATCH }, () => {
      const version = versions[count % FUNCTIONS];
      return { version, report: reportOf(version?.functionName ?? "", String(count++)) };
    });
    const startMs = performance.now();
    for (const { version, report } of runs) {
      const begun = recent.begin(version as never, { requestId: report.requestId } as never);
      recent.reported(report as never);
      recent.answered(begun, outcome);
    }
    if (batch >= 0) values.push(((performance.now() - startMs) * 1000) / BATCH);
  }
  return [{ name: "Record of one invocation", unit: "µs", values }];
}

function reportOf(functionName: string, requestId: string) {
  return {
    ...SCOPE,
    functionName,
    requestId: `request-${requestId}`,
    version: "1",
    environmentId: "env-1",
    logStream: "2026/11/29/[1]01",
    snapshotId: null,
    start: "warm",
    outcome: "success",
    errorType: null,
    durationMs: 5,
    initDurationMs: null,
    restoreDurationMs: null,
    memoryMaxMib: 90,
    started: null,
  };
}
