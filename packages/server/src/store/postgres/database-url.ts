/**
 * Where a PostgreSQL database is and how it is reached, out of a URL as psql takes it. Only what is known here may
 * stand in it: a misspelt `sslmode` must not mean an open connection.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { ConnectionOptions } from "node:tls";

export interface DatabaseAddress {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | null;
  /** False: not encrypted. */
  readonly ssl: false | ConnectionOptions;
  readonly applicationName: string;
  /** For messages and the log: without the password. */
  readonly shown: string;
}

/** Says what is wrong with a URL, in words that never repeat its password. */
export class DatabaseUrlError extends Error {}

const EXAMPLE = "postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full";
const FILES = ["sslrootcert", "sslcert", "sslkey"] as const;
const KNOWN: ReadonlySet<string> = new Set(["host", "sslmode", "application_name", ...FILES]);
const MODES: ReadonlySet<string> = new Set(["disable", "require", "verify-ca", "verify-full"]);
const LOCAL: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const PORT = 5432;

/**
 * Reads a URL.
 *
 * @param password - The one that was given apart from the URL; null: there is none.
 * @throws DatabaseUrlError where it is none, or does not say enough.
 */
export function parseDatabaseUrl(text: string, password: string | null): DatabaseAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol)) throw new DatabaseUrlError(`expected ${EXAMPLE}`);
  const unknown = [...url.searchParams.keys()].find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw new DatabaseUrlError(`${unknown} is not known; there are ${[...KNOWN].join(", ")}`);
  const database = decoded(url.pathname.slice(1));
  const user = decoded(url.username);
  const socket = url.searchParams.get("host");
  const host = socket ?? url.hostname.replace(/^\[|\]$/g, "");
  if (database === "" || user === "" || host === "" || database.includes("/"))
    throw new DatabaseUrlError(`it must name a user, a host and a database: ${EXAMPLE}`);
  const own = url.password === "" ? null : decoded(url.password);
  if (own !== null && password !== null)
    throw new DatabaseUrlError(
      "a password is in the URL, and another one is given apart from it: leave one of them out",
    );
  const port = url.port === "" ? PORT : Number(url.port);
  const isLocal = host.startsWith("/") || (socket === null && LOCAL.has(url.hostname));
  return {
    host,
    port,
    database,
    user,
    password: own ?? password,
    ssl: encryption(url.searchParams, isLocal),
    applicationName: url.searchParams.get("application_name") ?? `thaw on ${hostname()}`,
    shown: `postgres://${user}@${host}:${port}/${database}`,
  };
}

/** Whether a URL, well-formed or not, has a password in it. */
export function hasPassword(text: string): boolean {
  return URL.canParse(text) ? new URL(text).password !== "" : /:\/\/[^/]*:[^/]*@/.test(text);
}

function encryption(settings: URLSearchParams, isLocal: boolean): false | ConnectionOptions {
  const mode = settings.get("sslmode") ?? (isLocal ? "disable" : null);
  if (mode === null)
    throw new DatabaseUrlError(
      "the database is on another host: say sslmode=verify-full, or verify-ca, require (encrypted, to whoever answers) or disable",
    );
  if (!MODES.has(mode)) throw new DatabaseUrlError(`sslmode=${mode} is not known; there are ${[...MODES].join(", ")}`);
  const [ca, cert, key] = FILES.map((name) => readNamed(settings, name));
  if (mode === "disable") {
    if (ca !== null || cert !== null || key !== null)
      throw new DatabaseUrlError("certificates are named, and sslmode=disable does without: leave one of them out");
    return false;
  }
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    rejectUnauthorized: mode !== "require",
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
}

function readNamed(settings: URLSearchParams, name: string): string | null {
  const path = settings.get(name);
  if (path === null) return null;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new DatabaseUrlError(`${name} can't be read: ${(error as Error).message}`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseUrlError("a % in it is not followed by two hexadecimal digits: write it as %25");
  }
}
