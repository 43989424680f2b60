/** Which registries may be asked, where they are, and with which credentials. */
import { readFile } from "node:fs/promises";
import { deniedImage } from "../model/image-problems.ts";
import { isMap } from "@thaw/installation/json-map";

export interface RegistryAccess {
  readonly url: URL;
  /** Of all registries that the operator named: they may be asked without encryption. */
  readonly origins: ReadonlySet<string>;
  /** `USER:PASSWORD`; null: none are known. */
  readonly credentials: string | null;
}

export interface RegistryOptions {
  /** The URL of each registry that functions may name, by its name in `ImageUri`. */
  readonly registries: ReadonlyMap<string, URL>;
  /** A file in the form of Docker's config.json; null: no registry wants credentials. */
  readonly authFile: string | null;
}

/** Throws an ApiError where the operator has not named the registry, or its credentials can't be read. */
export async function accessTo(host: string, { registries, authFile }: RegistryOptions): Promise<RegistryAccess> {
  const url = registries.get(host);
  if (url === undefined)
    throw deniedImage(`this server may not ask the registry ${host}: name it with --image-registry ${host}`);
  const origins = new Set([...registries.values()].map(({ origin }) => origin));
  return { url, origins, credentials: authFile === null ? null : await credentialsOf(host, url, authFile) };
}

/** Reads the file anew each time: tokens of ECR are replaced every 12 hours. */
async function credentialsOf(host: string, url: URL, authFile: string): Promise<string | null> {
  let auths: unknown;
  try {
    const config: unknown = JSON.parse(await readFile(authFile, "utf8"));
    auths = isMap(config) ? config["auths"] : undefined;
  } catch {
    throw deniedImage(`the file of --registry-auth can't be read`);
  }
  if (!isMap(auths)) return null;
  for (const name of [host, `https://${host}`, url.host, url.origin]) {
    const found = auths[name];
    if (!isMap(found)) continue;
    const { auth, username, password } = found;
    if (typeof auth === "string" && auth !== "") return Buffer.from(auth, "base64").toString("utf8");
    if (typeof username === "string" && typeof password === "string") return `${username}:${password}`;
  }
  return null;
}
