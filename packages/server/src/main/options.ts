/**
 * Configuration of `thaw serve`: command line first, then `THAW_*` variables, then defaults. Parsed once; unknown options are refused.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

export interface ServeOptions {
  readonly listenHost: string;
  /** 0 picks a free port. */
  readonly listenPort: number;
  readonly dataDir: string;
  /** Machine-level results of the set-up: CRIU, language runtimes. */
  readonly thawHome: string;
  readonly engine: "criu" | "process";
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
  /** Where /metrics and /healthz are served without credentials; null: nowhere, only to signed requests. */
  readonly metricsListen: { readonly host: string; readonly port: number } | null;
  /** How long running invocations may take after the order to stop. */
  readonly drainTimeoutS: number;
  /** Unprivileged user of the server process when started as root. */
  readonly serverUid: number;
}

export class UsageError extends Error {}

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_SERVER_UID = 64_321;

export const SERVE_USAGE = `Usage: thaw serve [options]
  --listen HOST:PORT       where the Lambda API is served (127.0.0.1:9000; port 0 picks a free one)
  --data DIR               state: functions, snapshots, logs (/var/lib/thaw/data for root)
  --engine criu|process    process takes no snapshots (criu)
  --parity extended|strict strict refuses what AWS refuses (extended)
  --pool N                 ready sandboxes kept for each kind of runtime (3)
  --environments-max N     execution environments at once (100)
  --memory-max-mib N       sum of their memory sizes (16384)
  --idle-timeout-s N       idle environments are shut down after this (300)
  --metrics HOST:PORT      /metrics and /healthz for Prometheus and probes, without credentials (off)
  --drain-timeout-s N      after SIGTERM running invocations have this long (30); a second SIGTERM ends them
Traces go to OTEL_EXPORTER_OTLP_ENDPOINT where that is set (OTLP over HTTP, JSON).`;

export function parseServeOptions(argv: readonly string[], env: Env, isRoot: boolean): ServeOptions {
  const values = readArgs(argv);
  const pick = (name: string, variable: string): string | undefined => values[name] ?? env[variable];
  const thawHome = env["THAW_HOME"] ?? "/var/lib/thaw";
  const listen = parseListen("--listen", pick("listen", "THAW_LISTEN") ?? "127.0.0.1:9000");
  const metrics = pick("metrics", "THAW_METRICS");
  return {
    ...listen,
    dataDir: resolve(pick("data", "THAW_DATA") ?? defaultDataDir(thawHome, isRoot)),
    thawHome: resolve(thawHome),
    engine: oneOf("--engine", pick("engine", "THAW_ENGINE") ?? "criu", ["criu", "process"]),
    parity: oneOf("--parity", pick("parity", "THAW_PARITY") ?? "extended", ["extended", "strict"]),
    region: env["THAW_REGION"] ?? "us-east-1",
    accountId: parseAccountId(env["THAW_ACCOUNT_ID"] ?? "000000000000"),
    poolSize: wholeNumber("--pool", pick("pool", "THAW_POOL") ?? "3", 0, 64),
    environmentsMax: wholeNumber("--environments-max", pick("environments-max", "THAW_ENVIRONMENTS_MAX") ?? "100", 1, 1000),
    memoryMaxMib: wholeNumber("--memory-max-mib", pick("memory-max-mib", "THAW_MEMORY_MAX_MIB") ?? "16384", 128, 2 ** 24),
    idleTimeoutS: wholeNumber("--idle-timeout-s", pick("idle-timeout-s", "THAW_IDLE_TIMEOUT_S") ?? "300", 1, 86_400),
    metricsListen: metrics === undefined ? null : parseMetricsListen(metrics),
    drainTimeoutS: wholeNumber("--drain-timeout-s", pick("drain-timeout-s", "THAW_DRAIN_TIMEOUT_S") ?? "30", 0, 3600),
    serverUid: wholeNumber("THAW_SERVER_UID", env["THAW_SERVER_UID"] ?? String(DEFAULT_SERVER_UID), 1, 2 ** 31),
  };
}

function readArgs(argv: readonly string[]): Record<string, string | undefined> {
  const names = ["listen", "data", "engine", "parity", "pool", "environments-max", "memory-max-mib", "idle-timeout-s", "metrics", "drain-timeout-s"];
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

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} ${text}: expected a whole number from ${min} to ${max}`);
  }
  return value;
}
