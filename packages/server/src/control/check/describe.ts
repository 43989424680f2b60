/** The report of a check: the verdict first, then what it rests on. */
import type { SnapshotFacts } from "../../model/function-record.ts";
import type { PhaseTimes } from "../../ports/engine.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import type { CheckFacts } from "./check.ts";
import { count } from "./findings.ts";
import type { CheckFinding, CheckPhase, CheckReport } from "@thaw/lambda-api/check-report";
import { INVOKES_PER_CLONE } from "./run-clones.ts";

const PAGE_SIZE_BYTES = 4096;
/** Sums of others, or what goes on beside them. */
const NOT_A_STEP = new Set(["engine", "restore", "prefetch", "init"]);
const THREAD_NAMES_MAX = 12;

const LIMITS = [
  "One event was tried. What the function does for other events was not seen.",
  "What a copy shares is seen by what comes out in answers and logs. A shared key whose products are different each time (encryption with a random start value) does not show, nor does a generator that was not used for this event.",
  "The host name is the same in all environments of Thaw, so that it is no difference between copies.",
  "A password has no form by which it could be told in memory: only keys and tokens of known forms are counted.",
  "A name that was turned into an address at start-up is noticed where a copy calls that address without asking for the name again; not where it asks for other names, too.",
  "Of requests that the function sends, the peers and the amount are known, not the content: it is usually encrypted. A value that only a server outside gets is not seen.",
];

const ALONE =
  "Copies were compared with each other only. Then only values that look unique are seen (UUIDs, tokens, long random texts and numbers, times); a short random word where its name says so.";

export function describe(version: RunnableVersion, stored: SnapshotFacts, seen: CheckFacts, findings: readonly CheckFinding[], tookMs: number): CheckReport {
  const { contents, clones } = seen;
  const last = clones[clones.length - 1];
  const observed = last?.observed ?? null;
  const phases = observed?.summary.phases ?? {};
  const [coldMs = 0, nextInvokeMs = 0] = last?.invokeMs ?? [];
  const restoreMs = phases["restore"] ?? 0;
  const firstInvokeMs = phases["firstResponse"] ?? Math.max(coldMs - restoreMs, 0);
  return {
    functionName: version.functionName,
    version: version.version,
    runtime: version.runtime,
    snapshotId: version.snapshotId ?? "",
    snapshotCreatedAt: new Date(stored.createdAtMs).toISOString(),
    clones: clones.length,
    invokesPerClone: INVOKES_PER_CLONE,
    tookMs,
    verdict: verdictOf(findings, clones.length),
    findings,
    phases: stepsOf(phases),
    timing: {
      restoreMs,
      firstInvokeMs,
      nextInvokeMs,
      primingSavesMs: Math.max(firstInvokeMs - nextInvokeMs, 0),
      withoutSnapshotMs: seen.fresh?.invokeMs[0] ?? null,
    },
    snapshot: {
      memoryBytes: stored.memoryBytes,
      diskBytes: stored.diskBytes,
      workingSetBytes: observed?.memory ? observed.memory.pages * PAGE_SIZE_BYTES : null,
      searchedBytes: contents.searchedBytes,
      cutConnections: seen.cutConnections,
      tmpFileCount: contents.fileCount,
      tmpFiles: contents.files,
      secrets: contents.secrets.filter((secret) => secret.values > 0),
    },
    processes: (observed?.sandbox.processes ?? []).map(({ name, threads, timers, threadNames }) => ({
      name,
      threads,
      timers,
      threadNames: Object.entries(threadNames)
        .map(([thread, number]) => (number === 1 ? thread : `${thread} ×${number}`))
        .slice(0, THREAD_NAMES_MAX),
    })),
    network: {
      sentBytes: observed?.sandbox.sentBytes ?? 0,
      receivedBytes: observed?.sandbox.receivedBytes ?? 0,
      peers: observed?.sandbox.peers ?? [],
    },
    limits: [...LIMITS, ...(seen.fresh === null ? [ALONE] : []), ...seen.limits],
  };
}

function stepsOf(phases: PhaseTimes): readonly CheckPhase[] {
  return Object.entries(phases)
    .filter(([name]) => !NOT_A_STEP.has(name))
    .map(([name, durationMs]) => ({ name, part: name === "hooks" ? "hooks" : name === "firstResponse" ? "invoke" : "clone", durationMs }));
}

function verdictOf(findings: readonly CheckFinding[], clones: number): CheckReport["verdict"] {
  const errors = findings.filter((finding) => finding.severity === "error");
  const warnings = findings.filter((finding) => finding.severity === "warning");
  const next = [...errors, ...warnings].map((finding) => `${finding.title}: ${finding.cure}`);
  if (errors.length > 0) {
    return { status: "findings", headline: `Not ready: ${count(errors.length + warnings.length, "thing")} to put right before this runs as a snapshot.`, next };
  }
  if (warnings.length > 0) return { status: "findings", headline: `Nearly ready: ${count(warnings.length, "thing")} to look at.`, next };
  return {
    status: "good",
    headline: `Good: ${clones} copies of the function answered, and nothing was found that they share and should not.`,
    next: ["Nothing has to be done. Check again with an event of each kind that the function gets."],
  };
}
