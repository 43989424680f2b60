/**
 * The server's own credentials: given by variables, or made on the first start as an AWS profile file in the data
 * directory.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemRandom } from "../base/random.ts";
import type { ServeOptions, ServerCredentials } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";

/**
 * The keys that clients sign with: the operator's, else those in the data directory, which are made at the first start.
 *
 * @throws UsageError when the profile in the data directory lacks a key.
 */
export function loadCredentials(options: Pick<ServeOptions, "credentials" | "dataDir" | "region">): ServerCredentials {
  if (options.credentials !== null) return options.credentials;
  const path = join(options.dataDir, "credentials");
  if (!existsSync(path)) makeProfile(path, options.region);
  const text = readFileSync(path, "utf8");
  const value = (name: string): string => {
    const found = new RegExp(`^${name}\\s*=\\s*(\\S+)`, "m").exec(text)?.[1];
    if (found === undefined) throw new UsageError(`${path} has no ${name}`);
    return found;
  };
  return { accessKeyId: value("aws_access_key_id"), secretAccessKey: value("aws_secret_access_key") };
}

function makeProfile(path: string, region: string): void {
  const id = `AKIA${systemRandom.bytes(10).toString("hex").toUpperCase().slice(0, 16)}`;
  const secret = systemRandom.bytes(30).toString("base64");
  writeFileSync(
    `${path}.new`,
    `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\nregion = ${region}\n`,
    { mode: 0o600 },
  );
  renameSync(`${path}.new`, path);
}

/** At least 32 bytes that stay the same over all starts: tokens inside snapshots are derived from them. */
export function loadSecret(dataDir: string): Buffer {
  const path = join(dataDir, "secret");
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, systemRandom.bytes(32), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path);
}
