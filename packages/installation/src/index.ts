/**
 * Agreements of the programs of one installation: where its parts are, and how the person at the terminal calls it. A
 * checkout needs no setting; the command that an installed package brings sets THAW_BINARIES, THAW_CLIENTS, THAW_CRIU
 * and THAW_PROGRAM.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** The checkout, or what the package installed: packages, tools and scanners lie in it. */
export const ROOT = resolve(import.meta.dirname, "../../..");

const installed = process.env["THAW_PROGRAM"];
/** Messages that say what to do name the program so. */
export const PROGRAM = installed ?? "npx thaw";
/** Version of the whole of Thaw. */
export const VERSION = (
  JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as { version: string }
).version;
/** Brings what is built: CRIU, sandboxd, clients, scanners. */
export const SETUP = installed === undefined ? "npm run setup (as root)" : "dpkg -i thaw_*_amd64.deb (as root)";

/** Machine-wide: runtimes, CRIU, and the data of a server that root runs. */
export function thawHomeOf(env: Env): string {
  return resolve(env["THAW_HOME"] ?? "/var/lib/thaw");
}

/** State of a server that was given no directory. */
export function defaultDataDirOf(env: Env, isRoot: boolean): string {
  return isRoot ? join(thawHomeOf(env), "data") : join(homedir(), ".local/share/thaw");
}

export interface Parts {
  readonly sandboxd: string;
  readonly supervisor: string;
  readonly pager: string;
  /** Directory of the runtimes' clients, one folder for each language. */
  readonly clients: string;
  readonly criu: string;
}

/** Names the places where the parts should be; the caller looks whether they are there. */
export function partsOf(env: Env): Parts {
  const binaries = env["THAW_BINARIES"] ?? join(ROOT, "target/x86_64-unknown-linux-gnu/release");
  return {
    sandboxd: join(binaries, "thaw-sandboxd"),
    supervisor: join(binaries, "thaw-supervisor"),
    pager: join(binaries, "thaw-pager"),
    clients: env["THAW_CLIENTS"] ?? join(ROOT, "runtimes/dist"),
    criu: env["THAW_CRIU"] ?? join(thawHomeOf(env), "criu/criu"),
  };
}
