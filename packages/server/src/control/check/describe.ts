/** The report of a check: the verdict first, then what it rests on. */
import type { SnapshotFacts } from "../../model/function-record.ts";
import type { SentReading } from "../../model/sent-requests.ts";
import type { PhaseTimes } from "../../model/phases.ts";
import type { RunnableVersion } from "../../ports/worker.ts";
import type { CheckFacts } from "./facts.ts";
import { count } from "./findings.ts";
import type { CheckFinding, CheckPhase, CheckReport } from "@thaw/thaw-api/check-report";
import { INVOKES_PER_CLONE } from "./run-clones.ts";

const PAGE_SIZE_BYTES = 4096;
/** Sums of others, or what goes on beside them. */
const NOT_A_STEP = new Set(["engine", "restore", "prefetch", "init"]);
const THREAD_NAMES_MAX = 12;
const PEERS_MAX = 10;

const LIMITS = [
  "One event was tried. What the function does for other events was not seen.",
  "What a copy shares is seen by what comes out in answers, logs and requests. A shared key whose products are different each time (encryption with a random start value) does not show, nor does a generator that was not used for this event.",
  "The host name is the same in all environments of Thaw, so that it is no difference between copies.",
  "A password has no form by which it could be told in memory: only keys and tokens of known forms are counted.",
  "A name that was turned into an address at start-up is noticed where a copy calls that address without asking for the name again; not where it asks for other names, too.",
];

const ALONE =
  "Copies were compared with each other only. Then only values that look unique are seen (UUIDs, tokens, long random texts and numbers, times); a short random word where its name says so.";

export function describe(
  version: RunnableVersion,
  stored: SnapshotFacts,
  seen: CheckFacts,
  findings: readonly CheckFinding[],
  tookMs: number,
): CheckReport {
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
    coldStart: coldStartOf(phases, observed?.summary.phaseStarts ?? {}, restoreMs + firstInvokeMs),
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
      ...sentBy(clones),
    },
    limits: [...LIMITS, ...limitsOfSent(seen), ...(seen.fresh === null ? [ALONE] : []), ...seen.limits],
  };
}

function sentBy(
  clones: CheckFacts["clones"],
): Pick<CheckReport["network"], "requestsRead" | "encryptedConnections" | "unreadableConnections"> {
  const readings = clones.flatMap((clone) => clone.sent ?? []);
  const sum = (of: (reading: SentReading) => number): number =>
    readings.reduce((total, reading) => total + of(reading), 0);
  return {
    requestsRead: readings.length < clones.length ? null : sum((reading) => reading.requests),
    encryptedConnections: sum((reading) => reading.encrypted.length),
    unreadableConnections: sum((reading) => reading.unreadable.length),
  };
}

function limitsOfSent({ clones, fresh }: CheckFacts): readonly string[] {
  const environments = fresh === null ? clones : [...clones, fresh];
  const readings = environments.flatMap((environment) => environment.sent ?? []);
  const told = (of: (reading: SentReading) => readonly string[], what: string): readonly string[] => {
    const peers = [...new Set(readings.flatMap(of))];
    const more = peers.length > PEERS_MAX ? ` and ${peers.length - PEERS_MAX} more` : "";
    return peers.length === 0 ? [] : [`What was sent to ${peers.slice(0, PEERS_MAX).join(", ")}${more} ${what}.`];
  };
  const unread =
    "What the function sends could not be read this time (where that is the host's fault, sandboxd's log says why): a value that only a server outside gets was not seen.";
  return [
    "A value that only a server outside gets is seen where it is sent unencrypted, as plain text over TCP, and looks unique.",
    ...told((reading) => reading.encrypted, "was encrypted, and not seen"),
    ...told((reading) => reading.unreadable, "was not all plain text: that part was not seen"),
    ...(readings.some((reading) => reading.isCut)
      ? ["Only the beginning of what was sent was read: 64 KiB of a connection, 256 KiB and 64 connections of a copy."]
      : []),
    ...(readings.length < environments.length ? [unread] : []),
  ];
}

/** `sumMs`: the total where the first response was not measured. */
function coldStartOf(phases: PhaseTimes, starts: PhaseTimes, sumMs: number): CheckReport["coldStart"] {
  const fromMs = starts.restore ?? 0;
  const phaseStarts = Object.fromEntries(Object.entries(starts).map(([name, startMs]) => [name, startMs - fromMs]));
  const { firstResponse: startMs } = phaseStarts;
  const totalMs = startMs === undefined ? sumMs : startMs + (phases.firstResponse ?? 0);
  return { totalMs, phases: { ...phases }, phaseStarts };
}

function stepsOf(phases: PhaseTimes): readonly CheckPhase[] {
  return Object.entries(phases)
    .filter(([name]) => !NOT_A_STEP.has(name))
    .map(([name, durationMs]) => ({
      name,
      part: name === "hooks" ? "hooks" : name === "firstResponse" ? "invoke" : "clone",
      durationMs,
    }));
}

function verdictOf(findings: readonly CheckFinding[], clones: number): CheckReport["verdict"] {
  const errors = findings.filter((finding) => finding.severity === "error");
  const warnings = findings.filter((finding) => finding.severity === "warning");
  const next = [...errors, ...warnings].map((finding) => `${finding.title}: ${finding.cure}`);
  if (errors.length > 0) {
    return {
      status: "findings",
      headline: `Not ready: ${count(errors.length + warnings.length, "thing")} to put right before this runs as a snapshot.`,
      next,
    };
  }
  if (warnings.length > 0)
    return { status: "findings", headline: `Nearly ready: ${count(warnings.length, "thing")} to look at.`, next };
  return {
    status: "good",
    headline: `Good: ${clones} copies of the function answered, and nothing was found that they share and should not.`,
    next: ["Nothing has to be done. Check again with an event of each kind that the function gets."],
  };
}
