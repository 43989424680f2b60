/**
 * Configuration of `thaw serve`: command line first, then `THAW_*` variables, then defaults. Parsed once; unknown options are refused.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { defaultDataDirOf, thawHomeOf } from "@thaw/installation";
import type { AwsKmsOptions } from "../keys/aws-kms.ts";
import { parseSnapshotStore, type SnapshotStoreOptions } from "./store-options.ts";
import { UsageError } from "./usage-error.ts";

export interface ServeOptions {
  readonly listenHost: string;
  /** 0 picks a free port. */
  readonly listenPort: number;
  readonly dataDir: string;
  /** Machine-level results of the set-up: CRIU, language runtimes. */
  readonly thawHome: string;
  readonly engine: "criu" | "process";
  /** How clones get their memory: on demand, or all of it before they run. */
  readonly memory: "lazy" | "eager";
  /** Decrypted chunks that the pager keeps. */
  readonly pagerMemoryMib: number;
  /** Clones kept restored and frozen for each version in use, and for all of them. */
  readonly parkedPerVersionMax: number;
  readonly parkedMax: number;
  /** `low`: processors do not sleep while a cold start begins. */
  readonly cpuLatency: "low" | "default";
  readonly parity: "extended" | "strict";
  readonly region: string;
  readonly accountId: string;
  /** Ready sandboxes kept for each kind. */
  readonly poolSize: number;
  readonly environmentsMax: number;
  /** Sum of the memory sizes of all environments. */
  readonly memoryMaxMib: number;
  /** An environment that was not invoked for this long is shut down. */
  readonly idleTimeoutS: number;
  /** Directories of the host by the ARN of the access point that functions name. */
  readonly fileSystems: ReadonlyMap<string, string>;
  /** A version that was not invoked for this long loses its snapshot; null: never. */
  readonly snapshotIdleMs: number | null;
  readonly snapshotsAtOnceMax: number;
  readonly restoresAtOnceMax: number;
  /** From 0, exclusive, to 1. */
  readonly functionShareMax: number;
  readonly snapshotsPendingMax: number;
  readonly concurrencyMax: number;
  readonly diskFreeMinMib: number;
  /** Where /metrics and /healthz are served without credentials; null: nowhere, only to signed requests. */
  readonly metricsListen: { readonly host: string; readonly port: number } | null;
  /** How long running invocations may take after the order to stop. */
  readonly drainTimeoutS: number;
  /** Where snapshots are kept besides this host; null: only here. */
  readonly snapshotStore: SnapshotStoreOptions | null;
  /** Of chunks on this host's disk; what the far store has is evicted beyond. Infinity: no limit. */
  readonly chunkCacheMib: number;
  /** How long a chunk of the far store must have been named by no snapshot. */
  readonly chunkGraceS: number;
  /** Null: only the local keyring. */
  readonly kms: AwsKmsOptions | null;
  /** How long an unwrapped data key is used. */
  readonly dataKeyCacheS: number;
  /** Unprivileged user of the server process when started as root. */
  readonly serverUid: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const NAMES = [
  "listen",
  "data",
  "engine",
  "memory",
  "pager-memory-mib",
  "cpu-latency",
  "parked-clones",
  "parked-clones-max",
  "parity",
  "pool",
  "environments-max",
  "memory-max-mib",
  "idle-timeout-s",
  "snapshot-idle",
  "snapshots-at-once",
  "snapshots-pending-max",
  "concurrency-max",
  "disk-free-min-mib",
  "restores-at-once",
  "function-share-max-percent",
  "metrics",
  "drain-timeout-s",
  "snapshot-store",
  "s3-path-style",
  "chunk-cache-mib",
  "kms",
];
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_SERVER_UID = 64_321;
const DEFAULT_CHUNK_CACHE_MIB = "10240";
/** Longer than an environment lives: it may have a manifest open that has been replaced since. */
const DEFAULT_CHUNK_GRACE_S = "21600";
/** As AWS caches them. */
const DEFAULT_DATA_KEY_CACHE_S = "300";

export const SERVE_USAGE = `Usage: thaw serve [options]
  --listen HOST:PORT       where the Lambda API is served (127.0.0.1:9000; port 0 picks a free one)
  --data DIR               state: functions, snapshots, logs (/var/lib/thaw/data for root)
  --engine criu|process    process takes no snapshots (criu)
  --memory lazy|eager      clones get their memory on demand, or all of it before they run (lazy)
  --pager-memory-mib N     decrypted chunks kept for all clones of the host (256)
  --cpu-latency low|default  low: processors stay awake for 100 ms from the beginning of a cold start (low)
  --parked-clones N        clones kept restored and frozen for each version in use (1; 0: none)
  --parked-clones-max N    the same for all versions of the host (8)
  --parity extended|strict strict refuses what AWS refuses (extended)
  --pool N                 ready sandboxes kept for each kind of runtime (3)
  --environments-max N     execution environments at once (100)
  --memory-max-mib N       sum of their memory sizes (16384)
  --idle-timeout-s N       idle environments are shut down after this (300)
  --file-system ARN=DIR    a directory of this host for functions that name this access point in FileSystemConfigs; may be given
                           several times. It must be writable for functions' users (uids from 100000)
  --snapshot-idle TIME     versions not invoked for this long lose their snapshot: 14d, 12h, 30m, 5s or never (14d)
  --snapshots-at-once N    snapshots made at the same time (2)
  --restores-at-once N     restores at the same time; further ones wait up to 10 s (16)
  --function-share-max-percent N  the part of the host that one function may have busy (80)
  --snapshots-pending-max N  further ones that may wait; more are refused (100)
  --concurrency-max N      invokes at the same time, all functions together (1000)
  --disk-free-min-mib N    no new snapshot where less of the disk is left (512)
  --metrics HOST:PORT      /metrics and /healthz for Prometheus and probes, without credentials (off)
  --drain-timeout-s N      after SIGTERM running invocations have this long (30); a second SIGTERM ends them
  --snapshot-store URL     s3://BUCKET/PREFIX or file:///DIR: snapshots are kept there, too, and fetched chunk by chunk
  --s3-path-style BOOL     the bucket in the path of requests (true where THAW_S3_ENDPOINT or AWS_ENDPOINT_URL is set)
  --chunk-cache-mib N      chunks kept on this host when the snapshot store has them, too (10240)
  --kms aws|URL            KMSKeyArn of functions: AWS KMS, or its API at URL (without: only "thaw keys")

Traces go to OTEL_EXPORTER_OTLP_ENDPOINT where that is set (OTLP over HTTP, JSON).`;

export function parseServeOptions(argv: readonly string[], env: Env, isRoot: boolean): ServeOptions {
  const values = readArgs(argv);
  const pick = (name: string, variable: string): string | undefined => values[name] ?? env[variable];
  const listen = parseListen("--listen", pick("listen", "THAW_LISTEN") ?? "127.0.0.1:9000");
  const metrics = pick("metrics", "THAW_METRICS");
  return {
    ...listen,
    dataDir: resolve(pick("data", "THAW_DATA") ?? defaultDataDirOf(env, isRoot)),
    thawHome: thawHomeOf(env),
    engine: oneOf("--engine", pick("engine", "THAW_ENGINE") ?? "criu", ["criu", "process"]),
    memory: oneOf("--memory", pick("memory", "THAW_MEMORY") ?? "lazy", ["lazy", "eager"]),
    parkedPerVersionMax: wholeNumber("--parked-clones", pick("parked-clones", "THAW_PARKED_CLONES") ?? "1", 0, 16),
    parkedMax: wholeNumber("--parked-clones-max", pick("parked-clones-max", "THAW_PARKED_CLONES_MAX") ?? "8", 0, 256),
    pagerMemoryMib: wholeNumber(
      "--pager-memory-mib",
      pick("pager-memory-mib", "THAW_PAGER_MEMORY_MIB") ?? "256",
      1,
      2 ** 20,
    ),
    cpuLatency: oneOf("--cpu-latency", pick("cpu-latency", "THAW_CPU_LATENCY") ?? "low", ["low", "default"]),
    parity: oneOf("--parity", pick("parity", "THAW_PARITY") ?? "extended", ["extended", "strict"]),
    region: env["THAW_REGION"] ?? "us-east-1",
    accountId: parseAccountId(env["THAW_ACCOUNT_ID"] ?? "000000000000"),
    poolSize: wholeNumber("--pool", pick("pool", "THAW_POOL") ?? "3", 0, 64),
    environmentsMax: wholeNumber(
      "--environments-max",
      pick("environments-max", "THAW_ENVIRONMENTS_MAX") ?? "100",
      1,
      1000,
    ),
    memoryMaxMib: wholeNumber(
      "--memory-max-mib",
      pick("memory-max-mib", "THAW_MEMORY_MAX_MIB") ?? "16384",
      128,
      2 ** 24,
    ),
    idleTimeoutS: wholeNumber("--idle-timeout-s", pick("idle-timeout-s", "THAW_IDLE_TIMEOUT_S") ?? "300", 1, 86_400),
    fileSystems: parseFileSystems(values["file-system"] ?? env["THAW_FILE_SYSTEMS"] ?? ""),
    snapshotIdleMs: duration("--snapshot-idle", pick("snapshot-idle", "THAW_SNAPSHOT_IDLE") ?? "14d"),
    snapshotsAtOnceMax: wholeNumber(
      "--snapshots-at-once",
      pick("snapshots-at-once", "THAW_SNAPSHOTS_AT_ONCE") ?? "2",
      1,
      64,
    ),
    restoresAtOnceMax: wholeNumber(
      "--restores-at-once",
      pick("restores-at-once", "THAW_RESTORES_AT_ONCE") ?? "16",
      1,
      1000,
    ),
    functionShareMax:
      wholeNumber(
        "--function-share-max-percent",
        pick("function-share-max-percent", "THAW_FUNCTION_SHARE_MAX_PERCENT") ?? "80",
        1,
        100,
      ) / 100,
    snapshotsPendingMax: wholeNumber(
      "--snapshots-pending-max",
      pick("snapshots-pending-max", "THAW_SNAPSHOTS_PENDING_MAX") ?? "100",
      1,
      100_000,
    ),
    concurrencyMax: wholeNumber(
      "--concurrency-max",
      pick("concurrency-max", "THAW_CONCURRENCY_MAX") ?? "1000",
      1,
      100_000,
    ),
    diskFreeMinMib: wholeNumber(
      "--disk-free-min-mib",
      pick("disk-free-min-mib", "THAW_DISK_FREE_MIN_MIB") ?? "512",
      0,
      2 ** 24,
    ),
    metricsListen: metrics === undefined ? null : parseMetricsListen(metrics),
    drainTimeoutS: wholeNumber("--drain-timeout-s", pick("drain-timeout-s", "THAW_DRAIN_TIMEOUT_S") ?? "30", 0, 3600),
    ...parseFar(pick, env),
    serverUid: wholeNumber("THAW_SERVER_UID", env["THAW_SERVER_UID"] ?? String(DEFAULT_SERVER_UID), 1, 2 ** 31),
  };
}

type FarSettings = Pick<ServeOptions, "snapshotStore" | "chunkCacheMib" | "chunkGraceS" | "kms" | "dataKeyCacheS">;

function parseFar(pick: (name: string, variable: string) => string | undefined, env: Env): FarSettings {
  const region = env["THAW_REGION"] ?? "us-east-1";
  const url = pick("snapshot-store", "THAW_SNAPSHOT_STORE");
  const snapshotStore =
    url === undefined ? null : parseSnapshotStore(url, pick("s3-path-style", "THAW_S3_PATH_STYLE"), region, env);
  const cacheMib = pick("chunk-cache-mib", "THAW_CHUNK_CACHE_MIB");
  if (snapshotStore === null && cacheMib !== undefined)
    throw new UsageError("--chunk-cache-mib needs --snapshot-store: without one, what is on this host is all there is");
  return {
    snapshotStore,
    chunkCacheMib:
      snapshotStore === null
        ? Number.POSITIVE_INFINITY
        : wholeNumber("--chunk-cache-mib", cacheMib ?? DEFAULT_CHUNK_CACHE_MIB, 1, 2 ** 30),
    chunkGraceS: wholeNumber("THAW_CHUNK_GRACE_S", env["THAW_CHUNK_GRACE_S"] ?? DEFAULT_CHUNK_GRACE_S, 0, 2 ** 30),
    kms: parseKms(pick("kms", "THAW_KMS"), env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? region),
    dataKeyCacheS: wholeNumber(
      "THAW_DATA_KEY_CACHE_S",
      env["THAW_DATA_KEY_CACHE_S"] ?? DEFAULT_DATA_KEY_CACHE_S,
      0,
      86_400,
    ),
  };
}

function parseKms(text: string | undefined, region: string): AwsKmsOptions | null {
  if (text === undefined) return null;
  if (text === "aws") return { endpoint: null, region };
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new UsageError(`--kms ${text}: expected aws or the URL of a service with its API`);
  return { endpoint: text, region };
}

function readArgs(argv: readonly string[]): Record<string, string | undefined> {
  try {
    const options = Object.fromEntries(NAMES.map((name) => [name, { type: "string" as const }]));
    const parsed = parseArgs({
      args: [...argv],
      options: { ...options, "file-system": { type: "string", multiple: true } },
      strict: true,
      allowPositionals: false,
    });
    const values = parsed.values as Record<string, string | string[] | undefined>;
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join("\n") : value]),
    );
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${SERVE_USAGE}`);
  }
}

function parseMetricsListen(text: string): { readonly host: string; readonly port: number } {
  const { listenHost, listenPort } = parseListen("--metrics", text);
  return { host: listenHost, port: listenPort };
}

function parseListen(name: string, text: string): { listenHost: string; listenPort: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65_535) throw new UsageError(`${name} ${text}: expected HOST:PORT`);
  return { listenHost: match[1].replace(/^\[|\]$/g, ""), listenPort: port };
}

function parseAccountId(text: string): string {
  if (!/^\d{12}$/.test(text)) throw new UsageError(`THAW_ACCOUNT_ID ${text}: expected 12 digits`);
  return text;
}

function oneOf<const T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new UsageError(`${name} ${text}: expected ${allowed.join(" or ")}`);
  return found;
}

/** Lines `ARN=DIR`. */
function parseFileSystems(text: string): ReadonlyMap<string, string> {
  const mapped = new Map<string, string>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const match = /^(arn:aws[a-zA-Z-]*:(?:elasticfilesystem|s3files):[^=\s]*\/fsap-[a-f0-9]{17,40})=(.+)$/.exec(line);
    if (!match?.[1] || !match[2])
      throw new UsageError(`--file-system ${line}: expected the ARN of an access point, =, and a directory`);
    mapped.set(match[1], resolve(match[2]));
  }
  return mapped;
}

function duration(name: string, text: string): number | null {
  if (text === "never") return null;
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ""] ?? Number.NaN);
  if (!(ms > 0)) throw new UsageError(`${name} ${text}: expected a number with s, m, h or d (14d), or never`);
  return ms;
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} ${text}: expected a whole number from ${min} to ${max}`);
  }
  return value;
}
