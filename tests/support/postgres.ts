/**
 * A real PostgreSQL with a data directory of its own, and a PgBouncer before it that gives connections by transaction.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";

const FETCHED = join(REPOSITORY, ".thaw/test-stores");
/** `nobody`: both programs refuse to be root. */
const USER = 65_534;
const START_TIMEOUT_MS = 60_000;
/** A superuser of the test's server; its password has what a URL must escape. */
const OWNER = { user: "thaw", password: "p@ss/w0rd:é" };

function programs(): string | null {
  const roots = [join(FETCHED, "postgres/usr/lib/postgresql"), "/usr/lib/postgresql"];
  const all = roots.flatMap((root) =>
    existsSync(root) ? readdirSync(root).map((name) => join(root, name, "bin")) : [],
  );
  return all.find((directory) => existsSync(join(directory, "postgres"))) ?? null;
}

const PROGRAMS = programs();
/** Those that the machine need not have, where PostgreSQL is not its own. */
const LIBRARIES = join(FETCHED, "postgres/libraries");
const PGBOUNCER = join(FETCHED, "pgbouncer/pgbouncer");

/** Null, or why there is none. */
export const noPostgres: string | null = missing("PostgreSQL", PROGRAMS);
export const noPgBouncer: string | null = noPostgres ?? missing("PgBouncer", existsSync(PGBOUNCER) ? PGBOUNCER : null);

function missing(name: string, path: string | null): string | null {
  if (path === null) return `${name} is not there (tools/build-test-stores.sh)`;
  for (let at = path; at !== "/"; at = dirname(at))
    if (process.geteuid?.() === 0 && (statSync(at).mode & 0o001) === 0) return `${at} is closed to the user of ${name}`;
  return null;
}

export class PostgresServer {
  readonly #dir: string;
  readonly #port: number;
  readonly #fsync: boolean;
  #process: ChildProcess | null = null;

  private constructor(dir: string, port: number, fsync: boolean) {
    this.#dir = dir;
    this.#port = port;
    this.#fsync = fsync;
  }

  /** `fsync`: whether a commit waits for the disk, which only a measurement needs. */
  static async start({ fsync = false } = {}): Promise<PostgresServer> {
    const dir = mkdtempSync(join(tmpdir(), "thaw-pg-"));
    giveAway(dir);
    const server = new PostgresServer(dir, await freePort(), fsync);
    const password = join(dir, "password");
    writeFileSync(password, OWNER.password);
    giveAway(password);
    const names = ["--username", OWNER.user, "--pwfile", password, "--auth", "scram-sha-256"];
    run("initdb", ["--pgdata", join(dir, "data"), "--encoding", "UTF8", "--locale", "C", "--no-sync", ...names]);
    makeCertificate(dir);
    await server.up();
    return server;
  }

  /** Of TLS: the server's own certificate. */
  get certificate(): string {
    return join(this.#dir, "server.crt");
  }

  /** By TCP, without TLS where `more` does not say so. */
  url(database: string, { user = OWNER.user, password = OWNER.password, more = "" } = {}): string {
    const who = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `postgres://${who}@127.0.0.1:${this.#port}/${database}${more}`;
  }

  get password(): string {
    return OWNER.password;
  }

  /** Makes an empty database and returns its name. */
  makeDatabase(): string {
    const name = `t${++made}`;
    this.sql("postgres", `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
    return name;
  }

  /** Runs statements as the owner, by the socket; what psql prints. */
  sql(database: string, statements: string): string {
    const args = [
      "-XqAt",
      "-v",
      "ON_ERROR_STOP=1",
      "-h",
      this.#dir,
      "-p",
      String(this.#port),
      "-U",
      OWNER.user,
      database,
    ];
    const done = spawnSync(join(PROGRAMS ?? "", "psql"), args, {
      input: statements,
      encoding: "utf8",
      env: { ...ENV, PGPASSWORD: OWNER.password },
    });
    if (done.status !== 0) throw new Error(`psql: ${done.stderr}`);
    return done.stdout.trim();
  }

  /** Starts it again after `down`. */
  async up(): Promise<void> {
    const settings = {
      listen_addresses: "127.0.0.1",
      port: this.#port,
      unix_socket_directories: this.#dir,
      fsync: this.#fsync ? "on" : "off",
      max_connections: 60,
      shared_buffers: "16MB",
      ssl: "on",
      ssl_cert_file: this.certificate,
      ssl_key_file: join(this.#dir, "server.key"),
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.#process = await started(
      "postgres",
      [join(PROGRAMS ?? "", "postgres"), "-D", join(this.#dir, "data"), ...args],
      {
        ready: "database system is ready to accept connections",
      },
    );
  }

  /** Ends it as a crash does. */
  async down(): Promise<void> {
    await ended(this.#process, "SIGQUIT");
    this.#process = null;
  }

  async stop(): Promise<void> {
    if (this.#process !== null) await ended(this.#process, "SIGINT");
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** A PgBouncer before it, in transaction mode, with fewer connections than clients. */
  async bouncer(): Promise<PgBouncer> {
    return PgBouncer.start({ host: this.#dir, port: this.#port, ...OWNER });
  }
}

const ENV: Readonly<Record<string, string>> = { LC_ALL: "C", LD_LIBRARY_PATH: LIBRARIES };
let made = 0;

interface Behind {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export class PgBouncer {
  readonly #dir: string;
  readonly #port: number;
  readonly #process: ChildProcess;

  private constructor(dir: string, port: number, process: ChildProcess) {
    this.#dir = dir;
    this.#port = port;
    this.#process = process;
  }

  static async start(behind: Behind): Promise<PgBouncer> {
    const dir = mkdtempSync(join(tmpdir(), "thaw-pgb-"));
    const port = await freePort();
    const users = join(dir, "users");
    writeFileSync(users, `"${behind.user}" "${behind.password}"\n`);
    const settings = {
      listen_addr: "127.0.0.1",
      listen_port: port,
      unix_socket_dir: "",
      auth_type: "scram-sha-256",
      auth_file: users,
      pool_mode: "transaction",
      default_pool_size: 3,
      server_round_robin: 1,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const config = join(dir, "pgbouncer.ini");
    const databases = `[databases]\n* = host=${behind.host} port=${behind.port} user=${behind.user}\n`;
    writeFileSync(config, `${databases}[pgbouncer]\n${lines.join("\n")}\n`);
    for (const path of [dir, users, config]) giveAway(path);
    const command = [PGBOUNCER, config];
    const child = await started("pgbouncer", command, {
      ready: "process up",
      env: { ...ENV, LD_LIBRARY_PATH: join(FETCHED, "pgbouncer") },
    });
    return new PgBouncer(dir, port, child);
  }

  url(database: string): string {
    const who = `${OWNER.user}:${encodeURIComponent(OWNER.password)}`;
    return `postgres://${who}@127.0.0.1:${this.#port}/${database}`;
  }

  async stop(): Promise<void> {
    await ended(this.#process, "SIGTERM");
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Its own, for 127.0.0.1 and 10 years. */
function makeCertificate(dir: string): void {
  const [key, certificate] = [join(dir, "server.key"), join(dir, "server.crt")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "3650"];
  const form = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const done = spawnSync("openssl", [...form, "-keyout", key, "-out", certificate, ...subject], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`openssl: ${done.stderr}`);
  for (const path of [key, certificate]) giveAway(path);
}

/** As nobody in particular where this is root; it ends with this process. */
function identity(): readonly string[] {
  const ends = ["setpriv", "--pdeathsig", "KILL"];
  return process.geteuid?.() === 0
    ? [...ends, "--reuid", String(USER), "--regid", String(USER), "--clear-groups"]
    : ends;
}

function giveAway(path: string): void {
  if (process.geteuid?.() === 0) chownSync(path, USER, USER);
}

function run(program: string, args: readonly string[]): void {
  const [command = "", ...words] = [...identity(), join(PROGRAMS ?? "", program), ...args];
  const done = spawnSync(command, words, { encoding: "utf8", cwd: "/", env: { PATH: process.env["PATH"], ...ENV } });
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`);
}

/** Starts a program and waits for a line of its log. */
async function started(
  name: string,
  program: readonly string[],
  { ready, env = ENV }: { readonly ready: string; readonly env?: Readonly<Record<string, string>> },
): Promise<ChildProcess> {
  const [command = "", ...words] = [...identity(), ...program];
  const child = spawn(command, words, {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
    env: { PATH: process.env["PATH"], ...env },
  });
  const output: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${name} ${why}:\n${output.join("")}`));
    const timer = setTimeout(() => fail("did not start in time"), START_TIMEOUT_MS);
    const onExit = (code: number | null): void => fail(`ended with ${code}`);
    const onData = (bytes: Buffer): void => {
      output.push(bytes.toString());
      if (!output.join("").includes(ready)) return;
      clearTimeout(timer);
      child.off("exit", onExit);
      child.stderr.off("data", onData).resume();
      resolve();
    };
    child.once("exit", onExit);
    child.stderr.on("data", onData);
  });
  return child;
}

async function ended(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, "close");
  return port;
}
