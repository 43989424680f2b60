/** Answers of Thaw's own API as schemas: the types come from them, and so do the reference and the checks. */
import * as z from "zod";
import type { Frozen } from "./frozen.ts";

const time = z.string().describe("ISO 8601, UTC");
const bytes = z.number();
/** By name. Phases overlap; one that did not happen is left out. */
const phaseTimes = z.record(z.string(), z.number());

export const KEY_STATES = ["Enabled", "Disabled"] as const;
/**
 * States of a version's snapshot. ready: restored on a cold invoke; so are those that are refreshed or wait for it.
 * idle: removed, an invoke brings it back. failed: there is none, Init failed.
 */
export const SNAPSHOT_STATES = [
  "creating",
  "waiting",
  "ready",
  "refreshing",
  "refresh waiting",
  "refresh failed",
  "idle",
  "failed",
] as const;

export const environment = z.object({
  environmentId: z.string(),
  functionName: z.string(),
  accountId: z.string(),
  region: z.string(),
  version: z.string().describe("`$LATEST` or a number"),
  state: z.string(),
  logStream: z.string(),
  createdAtMs: z.number(),
  lastInvokeAtMs: z.number().nullable(),
  isRestored: z.boolean().describe("False when it was initialised without a snapshot"),
  invokeCount: z.number(),
  phases: phaseTimes.describe("Durations of the phases of its start, in milliseconds"),
  phaseStarts: phaseTimes.describe(
    "Starts of these phases, in milliseconds since it began; negative for what a parked clone did ahead",
  ),
});

export const snapshotSummary = z.object({
  snapshotId: z.string().nullable().describe("Null when the version has no snapshot now"),
  functionName: z.string(),
  version: z.string(),
  runtime: z.string(),
  status: z.enum(SNAPSHOT_STATES),
  reason: z.string().nullable(),
  createdAt: time.nullable(),
  lastUsedAt: time.nullable(),
  expiresAt: time.nullable().describe("Time of its removal unless it is used before; null: never"),
  retryAt: time.nullable(),
  memoryBytes: bytes,
  diskBytes: bytes,
  newBytes: bytes.describe("Bytes that it added to the store when it was taken"),
  cutConnections: z
    .number()
    .nullable()
    .describe("Connections to the outside that were open when it was taken, and are cut in each clone; null: unknown"),
  restores: z
    .number()
    .describe("Invocations that a clone was restored for, of those of this version that the server knows of"),
  restoreP50Ms: z.number().nullable().describe("Milliseconds, median of these restores; null: there was none"),
  runtimeFingerprint: z.string().nullable(),
  engineFingerprint: z.string().nullable(),
});

const ofVersion = {
  snapshotId: z.string(),
  functionName: z.string(),
  version: z.string(),
  runtime: z.string(),
  createdAt: time.nullable(),
};

const region = z.object({
  address: z.string().describe("First address, hexadecimal"),
  pages: z.number(),
  zeroPages: z.number(),
  lazyPages: z.number(),
});

const space = z.object({
  pid: z.number().describe("Process inside the sandbox; 0: memory that processes share"),
  pages: z.number().describe("Pages of 4 KiB"),
  zeroPages: z.number(),
  lazyPages: z.number().describe("Pages that come on demand"),
  eagerPages: z.number().describe("Pages that are put in place before the clone runs"),
  regions: z.array(region),
});

export const snapshotContents = z.object({
  ...ofVersion,
  fingerprint: z.string(),
  generation: z.number().describe("Rises when the chunks are laid out by the working set"),
  keyArn: z.string().nullable().describe("Null: the installation's own key"),
  memoryBytes: bytes,
  storedBytes: bytes,
  spaces: z.array(space),
  images: z.array(z.object({ name: z.string(), sizeBytes: bytes })),
  disk: z.array(z.object({ path: z.string(), kind: z.string(), sizeBytes: bytes, storedBytes: bytes })),
  chunks: z.object({
    count: z.number(),
    bytes,
    shared: z.number().describe("Chunks that another snapshot of this account names too"),
    sharedBytes: bytes,
    missing: z.number().describe("Chunks that this host lacks"),
  }),
  workingSet: z
    .object({ recordings: z.number(), pages: z.number() })
    .nullable()
    .describe("Null when none was recorded yet, or when it can't be trusted (`verify` says why)"),
});

export const snapshotVerification = z.object({
  ...ofVersion,
  isWhole: z.boolean(),
  chunks: z.number(),
  chunksFromAfar: z.number().describe("Chunks that were read from the snapshot store: this host lacks them"),
  bytes,
  problems: z.array(z.string()).describe("One sentence each; a damaged working set is a problem but no damage"),
});

export const provisioned = z.object({
  functionName: z.string(),
  qualifier: z.string(),
  requested: z.number(),
  allocated: z.number().describe("Environments that are started, ready or not"),
  available: z.number().describe("Environments that are ready or have an invoke"),
  inUse: z.number(),
  hasFailed: z.boolean().describe("True when the last Init failed; it is tried again"),
  invocations: z.number(),
  spilloverInvocations: z.number(),
});

export const release = z.object({
  runtime: z.string(),
  name: z.string().describe("Directory of the release"),
  fingerprint: z.string(),
  isNewest: z.boolean(),
  environments: z.number().describe("Environments that run it or are about to"),
  snapshots: z.number().describe("Snapshots that were made with it"),
});

export const logEvent = z.object({
  timestampMs: z.number(),
  logStream: z.string(),
  message: z.string(),
  origin: z
    .enum(["platform", "function", "client"])
    .describe("Its writer: a function can print a line like the platform's; a client is one that called PutLogEvents"),
});

export const key = z.object({
  arn: z.string().nullable().describe("Null: the installation's own key"),
  state: z.enum(KEY_STATES),
});

export const account = z.object({
  accountId: z.string(),
  name: z.string().describe("Empty where it has none"),
  isHome: z.boolean().describe("True for the installation's own account, whose key is the operator's"),
  accessKeys: z.array(
    z.object({
      accessKeyId: z.string(),
      createdAtMs: z.number().nullable().describe("Null for the key that the server was started with"),
    }),
  ),
});

export const newAccessKey = z.object({
  accountId: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string().describe("Shown only here"),
});

export const host = z.object({
  criuVersion: z.string().nullable(),
  criuProblem: z.string().nullable(),
  cgroupVersion: z.enum(["v1", "v2"]),
  cpuFingerprint: z.string(),
  kernel: z.string(),
  hasNetwork: z.boolean(),
  network: z
    .object({
      rulesRestored: z.number().describe("How often the rules of sandboxes were gone from the host and were put back"),
      problem: z.string().nullable().describe("Null: the rules are in place; else no sandbox is made"),
      denied: z.array(z.string()).describe("The networks of --network-deny"),
      hostPorts: z.array(z.string()).describe("The ports of the host that functions may reach, of --allow-host"),
      serviceCallers: z
        .array(z.string())
        .describe("The functions that may call this server's services, of --allow-services"),
    })
    .describe("The rules that keep sandboxes from the host and from each other"),
  companion: z
    .object({
      name: z.string(),
      address: z.string().describe("Its address on the host"),
      services: z.array(z.string()),
      uptimeS: z.number().nullable().describe("Time since which it keeps what it has; null: it does not answer"),
    })
    .nullable()
    .describe("The service of --companion; null: there is none"),
  tmpQuota: z.enum(["loop", "tmpfs"]),
  engine: z.string(),
  snapshotsProblem: z.string().nullable().describe("Null when this host can take snapshots"),
  runtimes: z.array(z.string()),
  installsRuntimes: z.boolean().describe("Whether a runtime that is not among them is installed when it is used"),
  limits: z.object({
    environmentsMax: z.number(),
    memoryMaxMib: z.number(),
    memoryCount: z.enum(["used", "configured"]).describe("How memory is counted against memoryMaxMib"),
    tmpMaxMib: z.number().nullable().describe("Ephemeral storage of all environments together, as of now"),
    preparedMemoryMib: z.number().describe("Memory for what restores read of snapshots"),
    poolSize: z.number(),
  }),
  inUse: z.object({
    environments: z.number(),
    memoryMib: z.number().describe("Counted against memoryMaxMib"),
    tmpMib: z.number().describe("Counted against tmpMaxMib"),
    snapshots: z.number(),
  }),
  disk: z.object({ freeBytes: bytes, sizeBytes: bytes }).describe("The disk that holds the data directory"),
  snapshotStore: z.record(z.string(), z.number()).describe("Counts since the start of the server"),
  server: z.object({ node: z.string(), residentBytes: bytes, uptimeS: z.number() }),
});

export type EnvironmentSummary = Frozen<z.infer<typeof environment>>;
export type SnapshotSummary = Frozen<z.infer<typeof snapshotSummary>>;
export type SnapshotContents = Frozen<z.infer<typeof snapshotContents>>;
export type SnapshotVerification = Frozen<z.infer<typeof snapshotVerification>>;
export type ProvisionedSummary = Frozen<z.infer<typeof provisioned>>;
export type ReleaseSummary = Frozen<z.infer<typeof release>>;
export type LogEvent = Frozen<z.infer<typeof logEvent>>;
export type LocalKey = Frozen<z.infer<typeof key>>;
export type HostDescription = Frozen<z.infer<typeof host>>;
