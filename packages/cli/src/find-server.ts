/**
 * Finds the server and the keys for it: as THAW_* variables say, else as a server on this host says of itself.
 *
 * ```text
 *  /run/thaw/PID/data-directory   the data directory of each server that root runs
 *  DATA/server.json               while it runs: where it listens, its region, the id of its key
 *  DATA/credentials               keys that it made for itself
 *  DATA/accounts.json             keys of other accounts, for THAW_ACCOUNT (--account)
 * ```
 * The variables and profiles of AWS's tools name keys of the person's own: they are neither sent to a server nor
 * printed, unless their id is that of the server's own key.
 */
import { defaultDataDirOf, PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { SigningCredentials } from "@thaw/aws-api";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

export interface Target {
  readonly endpoint: string;
  readonly region: string;
  /** An error where there are none: a command that needs none does not fail for it. */
  readonly credentials: SigningCredentials | CommandError;
}

export interface LocalServer {
  readonly dataDir: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** Null where a server of an older Thaw wrote the file. */
  readonly accountId: string | null;
}

const DEFAULT_ENDPOINT = "http://127.0.0.1:9000";
const RUN_DIR = "/run/thaw";
const KEYS = "set THAW_ACCESS_KEY_ID and THAW_SECRET_ACCESS_KEY";

/**
 * Finds the server that a command is for. Where several run on this host and none is named, the credentials are an
 * error.
 */
export function findTarget(env: Env, runDir = RUN_DIR): Target {
  const servers = localServers(env, runDir);
  const given = env["THAW_ENDPOINT"] ?? env["AWS_ENDPOINT_URL_LAMBDA"];
  const chosen = chooseServer(servers, given, env);
  const server = chosen instanceof CommandError ? null : chosen;
  const endpoint = (given ?? server?.endpoint ?? DEFAULT_ENDPOINT).replace(/\/$/, "");
  const region = env["THAW_REGION"] ?? server?.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? "us-east-1";
  return {
    endpoint,
    region,
    credentials: chosen instanceof CommandError ? chosen : findCredentials(env, endpoint, server),
  };
}

/** Servers that run on this host and whose data directory this user may read. */
export function localServers(env: Env, runDir = RUN_DIR): readonly LocalServer[] {
  const named = env["THAW_DATA"] === undefined ? [] : [resolve(env["THAW_DATA"])];
  const dirs = new Set([...named, ...defaultDirs(env), ...runningDirs(runDir)]);
  return [...dirs].flatMap((dataDir) => {
    const found = readServer(dataDir);
    return found === null ? [] : [found];
  });
}

function defaultDirs(env: Env): readonly string[] {
  return [defaultDataDirOf(env, true), defaultDataDirOf(env, false)];
}

/** Data directories of the launchers that run. */
function runningDirs(runDir: string): readonly string[] {
  const pids = existsSync(runDir) ? readdirSync(runDir).filter((name) => isRunning(Number(name))) : [];
  return pids.flatMap((pid) => readText(join(runDir, pid, "data-directory")) ?? []);
}

function readServer(dataDir: string): LocalServer | null {
  const text = readText(join(dataDir, "server.json"));
  if (text === null) return null;
  try {
    const { endpoint, region, accessKeyId, accountId, pid } = JSON.parse(text) as Record<string, unknown>;
    if (typeof endpoint !== "string" || typeof region !== "string" || typeof accessKeyId !== "string") return null;
    if (!isRunning(Number(pid))) return null;
    const account = typeof accountId === "string" ? accountId : null;
    return { dataDir, endpoint: reachable(endpoint), region, accessKeyId, accountId: account };
  } catch {
    return null;
  }
}

/** Asks the kernel itself: /proc need not be mounted. */
function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A server that listens on all addresses is reached on the loopback. */
function reachable(endpoint: string): string {
  return endpoint.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

function chooseServer(
  servers: readonly LocalServer[],
  given: string | undefined,
  env: Env,
): LocalServer | CommandError | null {
  if (given !== undefined) return servers.find(({ endpoint }) => isSameOrigin(endpoint, given)) ?? null;
  const data = env["THAW_DATA"];
  if (data !== undefined) return servers.find(({ dataDir }) => dataDir === resolve(data)) ?? null;
  const usual = servers.filter(({ dataDir }) => defaultDirs(env).includes(dataDir));
  const [only, ...others] = usual.length > 0 ? usual : servers;
  if (others.length === 0) return only ?? null;
  const sorted = servers.toSorted((a, b) => (a.dataDir < b.dataDir ? -1 : 1));
  const list = sorted.map(({ dataDir, endpoint }) => `  THAW_DATA=${dataDir}  (${endpoint})`).join("\n");
  return new CommandError(`several servers run on this host; name one of them by its variable:\n${list}`);
}

function isSameOrigin(one: string, other: string): boolean {
  return URL.canParse(other) && new URL(one).host === new URL(other).host.replace(/^localhost(?=:|$)/, "127.0.0.1");
}

function findCredentials(env: Env, endpoint: string, server: LocalServer | null): SigningCredentials | CommandError {
  const account = env["THAW_ACCOUNT"];
  if (account !== undefined && account !== server?.accountId) return credentialsOfAccount(account, server);
  const own = pairOf(env["THAW_ACCESS_KEY_ID"], env["THAW_SECRET_ACCESS_KEY"]);
  if (own !== null) return own;
  if (server !== null) return credentialsOf(server, env);
  const data = env["THAW_DATA"];
  const dirs = data !== undefined ? [data] : isLoopback(endpoint) ? defaultDirs(env) : [];
  for (const dir of dirs) {
    const found = readProfile(join(dir, "credentials"));
    if (found !== null) return found;
  }
  return new CommandError(
    "no credentials: no server on this host has left some that this user can read. " +
      `Start a server: ${PROGRAM} serve. Or ${KEYS} as "${PROGRAM} env" prints them on the server's host; ` +
      "keys and profiles for AWS are never used.",
  );
}

function credentialsOf(server: LocalServer, env: Env): SigningCredentials | CommandError {
  const aws = pairOf(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]);
  return (
    [readProfile(join(server.dataDir, "credentials")), aws].find((each) => each?.accessKeyId === server.accessKeyId) ??
    new CommandError(
      `no credentials: the server at ${server.endpoint} has keys that its operator chose ` +
        `(${server.accessKeyId}): ${KEYS}`,
    )
  );
}

/** The newest key of an account beside the home's: the server's user and root may read them. */
function credentialsOfAccount(account: string, server: LocalServer | null): SigningCredentials | CommandError {
  const text = server === null ? null : readText(join(server.dataDir, "accounts.json"));
  const key = text === null ? null : newestKey(text, account);
  return (
    key ??
    new CommandError(
      `no credentials of account ${account}: ` +
        (server === null
          ? `no server on this host has them. Without --account ${KEYS}`
          : `${server.dataDir} has none that this user can read. See "${PROGRAM} accounts ls"; without --account ${KEYS}`),
    )
  );
}

function newestKey(text: string, account: string): SigningCredentials | null {
  try {
    const { accounts } = JSON.parse(text) as {
      readonly accounts?: ReadonlyArray<{
        readonly accountId: string;
        readonly accessKeys: readonly SigningCredentials[];
      }>;
    };
    const key = accounts?.find(({ accountId }) => accountId === account)?.accessKeys.at(-1);
    return key === undefined ? null : pairOf(key.accessKeyId, key.secretAccessKey);
  } catch {
    return null;
  }
}

function pairOf(accessKeyId: string | undefined, secretAccessKey: string | undefined): SigningCredentials | null {
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null;
}

function isLoopback(endpoint: string): boolean {
  return URL.canParse(endpoint) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(endpoint).hostname);
}

function readProfile(path: string): SigningCredentials | null {
  const text = readText(path) ?? "";
  const value = (name: string): string | undefined => new RegExp(`^${name}\\s*=\\s*(\\S+)`, "m").exec(text)?.[1];
  return pairOf(value("aws_access_key_id"), value("aws_secret_access_key"));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
