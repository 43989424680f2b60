/**
 * Configuration of `thaw serve`: command line first, then `THAW_*` variables, then defaults. Parsed once; unknown options are refused.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
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
  /** How clones get their memory: on demand, all at once, or by CRIU's own daemon (to compare with). */
  readonly memory: "lazy" | "eager" | "stock-lazy";
  /** Decrypted chunks that the pager keeps. */
  readonly pagerMemoryMib: number;
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
  --parity extended|strict strict refuses what AWS refuses (extended)
  --pool N                 ready sandboxes kept for each kind of runtime (3)
  --environments-max N     execution environments at once (100)
  --memory-max-mib N       sum of their memory sizes (16384)
  --idle-timeout-s N       idle environments are shut down after this (300)
  --snapshot-store URL     s3://BUCKET/PREFIX or file:///DIR: snapshots are kept there, too, and fetched chunk by chunk
  --s3-path-style BOOL     the bucket in the path of requests (true where THAW_S3_ENDPOINT or AWS_ENDPOINT_URL is set)
  --chunk-cache-mib N      chunks kept on this host when the snapshot store has them, too (10240)
  --kms aws|URL            KMSKeyArn of functions: AWS KMS, or its API at URL (without: only "thaw keys")`;

export function parseServeOptions(argv: readonly string[], env: Env, isRoot: boolean): ServeOptions {
  const values = readArgs(argv);
  const pick = (name: string, variable: string): string | undefined => values[name] ?? env[variable];
  const thawHome = env["THAW_HOME"] ?? "/var/lib/thaw";
  const listen = parseListen(pick("listen", "THAW_LISTEN") ?? "127.0.0.1:9000");
  return {
    ...listen,
    dataDir: resolve(pick("data", "THAW_DATA") ?? defaultDataDir(thawHome, isRoot)),
    thawHome: resolve(thawHome),
    engine: oneOf("--engine", pick("engine", "THAW_ENGINE") ?? "criu", ["criu", "process"]),
    memory: oneOf("--memory", pick("memory", "THAW_MEMORY") ?? "lazy", ["lazy", "eager", "stock-lazy"]),
    pagerMemoryMib: wholeNumber("--pager-memory-mib", pick("pager-memory-mib", "THAW_PAGER_MEMORY_MIB") ?? "256", 1, 2 ** 20),
    parity: oneOf("--parity", pick("parity", "THAW_PARITY") ?? "extended", ["extended", "strict"]),
    region: env["THAW_REGION"] ?? "us-east-1",
    accountId: parseAccountId(env["THAW_ACCOUNT_ID"] ?? "000000000000"),
    poolSize: wholeNumber("--pool", pick("pool", "THAW_POOL") ?? "3", 0, 64),
    environmentsMax: wholeNumber("--environments-max", pick("environments-max", "THAW_ENVIRONMENTS_MAX") ?? "100", 1, 1000),
    memoryMaxMib: wholeNumber("--memory-max-mib", pick("memory-max-mib", "THAW_MEMORY_MAX_MIB") ?? "16384", 128, 2 ** 24),
    idleTimeoutS: wholeNumber("--idle-timeout-s", pick("idle-timeout-s", "THAW_IDLE_TIMEOUT_S") ?? "300", 1, 86_400),
    ...parseFar(pick, env),
    serverUid: wholeNumber("THAW_SERVER_UID", env["THAW_SERVER_UID"] ?? String(DEFAULT_SERVER_UID), 1, 2 ** 31),
  };
}

type FarSettings = Pick<ServeOptions, "snapshotStore" | "chunkCacheMib" | "chunkGraceS" | "kms" | "dataKeyCacheS">;

function parseFar(pick: (name: string, variable: string) => string | undefined, env: Env): FarSettings {
  const region = env["THAW_REGION"] ?? "us-east-1";
  const url = pick("snapshot-store", "THAW_SNAPSHOT_STORE");
  const snapshotStore = url === undefined ? null : parseSnapshotStore(url, pick("s3-path-style", "THAW_S3_PATH_STYLE"), region, env);
  const cacheMib = pick("chunk-cache-mib", "THAW_CHUNK_CACHE_MIB");
  if (snapshotStore === null && cacheMib !== undefined)
    throw new UsageError("--chunk-cache-mib needs --snapshot-store: without one, what is on this host is all there is");
  return {
    snapshotStore,
    chunkCacheMib: snapshotStore === null ? Number.POSITIVE_INFINITY : wholeNumber("--chunk-cache-mib", cacheMib ?? DEFAULT_CHUNK_CACHE_MIB, 1, 2 ** 30),
    chunkGraceS: wholeNumber("THAW_CHUNK_GRACE_S", env["THAW_CHUNK_GRACE_S"] ?? DEFAULT_CHUNK_GRACE_S, 0, 2 ** 30),
    kms: parseKms(pick("kms", "THAW_KMS"), env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? region),
    dataKeyCacheS: wholeNumber("THAW_DATA_KEY_CACHE_S", env["THAW_DATA_KEY_CACHE_S"] ?? DEFAULT_DATA_KEY_CACHE_S, 0, 86_400),
  };
}

function parseKms(text: string | undefined, region: string): AwsKmsOptions | null {
  if (text === undefined) return null;
  if (text === "aws") return { endpoint: null, region };
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw new UsageError(`--kms ${text}: expected aws or the URL of a service with its API`);
  return { endpoint: text, region };
}

function readArgs(argv: readonly string[]): Record<string, string | undefined> {
  const names = ["listen", "data", "engine", "memory", "pager-memory-mib", "parity", "pool", "environments-max", "memory-max-mib", "idle-timeout-s"];
  names.push("snapshot-store", "s3-path-style", "chunk-cache-mib", "kms");
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values as Record<string, string>;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${SERVE_USAGE}`);
  }
}

function defaultDataDir(thawHome: string, isRoot: boolean): string {
  return isRoot ? join(thawHome, "data") : join(homedir(), ".local/share/thaw");
}

function parseListen(text: string): { listenHost: string; listenPort: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65_535) throw new UsageError(`--listen ${text}: expected HOST:PORT`);
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

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} ${text}: expected a whole number from ${min} to ${max}`);
  }
  return value;
}
