/** The report of `thaw check`, which Thaw's own API gives and the command line shows. Times in ms, sizes in bytes. */
import * as z from "zod";
import type { Frozen } from "./frozen.ts";

const severity = z
  .enum(["error", "warning", "note"])
  .describe("error: clones share what they must not. warning: look at it before it hurts. note: good to know.");

const finding = z.object({
  id: z.string(),
  severity,
  title: z.string(),
  why: z.string(),
  cure: z.string(),
  evidence: z.array(z.string()).describe("One line each; values are shortened, secrets are never shown."),
});

const phase = z.object({
  name: z.string(),
  part: z
    .enum(["clone", "hooks", "invoke"])
    .describe(
      "clone: Thaw brings the memory back. hooks: the function's after-restore code. invoke: up to the first answer.",
    ),
  durationMs: z.number(),
});

const phaseTimes = z.record(z.string(), z.number());

const coldStart = z.object({
  totalMs: z.number().describe("Milliseconds from the beginning of the restore to the first answer."),
  phases: phaseTimes.describe("Durations of the phases."),
  phaseStarts: phaseTimes.describe("Starts of the phases, from the beginning of the restore."),
});

const timing = z.object({
  restoreMs: z.number(),
  firstInvokeMs: z.number(),
  nextInvokeMs: z.number(),
  primingSavesMs: z
    .number()
    .describe("Time that the first invoke took more than the next one: the most that priming can save."),
  withoutSnapshotMs: z
    .number()
    .nullable()
    .describe("First answer of an environment that is initialised without a snapshot; null when there was none."),
});

const snapshot = z.object({
  memoryBytes: z.number(),
  diskBytes: z.number(),
  workingSetBytes: z
    .number()
    .nullable()
    .describe("Memory that clones touched up to their first response; null when it was not recorded."),
  searchedBytes: z.number(),
  cutConnections: z.number().nullable().describe("Null for a snapshot of an older Thaw."),
  tmpFileCount: z.number(),
  tmpFiles: z.array(z.object({ path: z.string(), size: z.number() })),
  secrets: z.array(z.object({ kind: z.string(), values: z.number(), places: z.number() })),
});

const process = z.object({
  name: z.string(),
  threads: z.number(),
  timers: z.number(),
  threadNames: z.array(z.string()),
});

const network = z.object({
  sentBytes: z.number(),
  receivedBytes: z.number(),
  peers: z.array(z.string()),
  requestsRead: z
    .number()
    .nullable()
    .describe("Requests of all clones whose texts were compared; null when this host can't read them."),
  encryptedConnections: z.number().describe("Encrypted connections of all clones, which were not read."),
  unreadableConnections: z
    .number()
    .describe("Connections of all clones that are neither encrypted by TLS nor plain text, at least in part."),
});

export const checkReport = z.object({
  functionName: z.string(),
  version: z.string(),
  runtime: z.string(),
  snapshotId: z.string(),
  snapshotCreatedAt: z.string(),
  clones: z.number(),
  invokesPerClone: z.number(),
  tookMs: z.number(),
  verdict: z.object({ status: z.enum(["good", "findings"]), headline: z.string(), next: z.array(z.string()) }),
  findings: z.array(finding),
  phases: z.array(phase).describe("Phases of the last clone's cold start, in order."),
  coldStart: coldStart.describe("The last clone's cold start with the starts of its phases, which overlap."),
  timing,
  snapshot,
  processes: z.array(process),
  network,
  limits: z.array(z.string()).describe("Things that this check can't see, in plain words."),
});

export type CheckSeverity = Frozen<z.infer<typeof severity>>;
export type CheckFinding = Frozen<z.infer<typeof finding>>;
export type CheckPhase = Frozen<z.infer<typeof phase>>;
export type CheckReport = Frozen<z.infer<typeof checkReport>>;
