/**
 * What a worker's host has of its installation: one file of mode 0600, `cluster/worker.json` in its data directory,
 * replaced as a whole. Its key was made there and is nowhere else.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../base/replace-file.ts";

const DIRECTORY = "cluster";
const IDENTITY_FILE = "worker.json";
const FORMAT = 1;
const TEXTS = ["workerId", "server", "address", "key", "certificate", "authority"] as const;

export interface WorkerIdentity {
  readonly workerId: string;
  /** Where it joined: `https://HOST:PORT`. */
  readonly server: string;
  /** Where control planes reach it: `HOST:PORT`. */
  readonly address: string;
  /** Key and certificate for its name, as PEM. */
  readonly key: string;
  readonly certificate: string;
  /** The certificate of the installation's authority, as PEM. */
  readonly authority: string;
}

/** Null: this directory has not joined. Throws an Error that names the file where it is there and can't be read. */
export function readIdentity(dataDir: string): WorkerIdentity | null {
  const path = join(dataDir, DIRECTORY, IDENTITY_FILE);
  if (!existsSync(path)) return null;
  let file: { readonly format?: unknown; readonly identity?: unknown } | null;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as typeof file;
  } catch {
    file = null;
  }
  if (file?.format === FORMAT && file.identity === null) return null;
  const identity = (file?.identity ?? {}) as Partial<Record<keyof WorkerIdentity, unknown>>;
  if (file?.format !== FORMAT || TEXTS.some((name) => typeof identity[name] !== "string"))
    throw new Error(`${path} can't be read as a worker's identity, format ${FORMAT}: remove it, and join again`);
  return identity as unknown as WorkerIdentity;
}

/** Null: a place for one, so that who can't write here finds it out before a token is used. */
export function writeIdentity(dataDir: string, identity: WorkerIdentity | null): void {
  mkdirSync(join(dataDir, DIRECTORY), { recursive: true, mode: 0o700 });
  replaceFile(join(dataDir, DIRECTORY, IDENTITY_FILE), JSON.stringify({ format: FORMAT, identity }));
}
