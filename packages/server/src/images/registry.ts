/**
 * An image in a registry, by the OCI distribution specification (https://github.com/opencontainers/distribution-spec):
 * two kinds of GET, and the token that a registry may ask for first (https://distribution.github.io/distribution/spec/
 * auth/token/). docs/reference/dependencies.md says why there is no library for it.
 */
import { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import type { ApiError } from "../model/api-error.ts";
import type { FoundImage } from "../ports/image-source.ts";
import { deniedImage, invalidImage, missingImage, registryFailed } from "../model/image-problems.ts";
import {
  bare,
  type Descriptor,
  DOCUMENT_SIZE_BYTES_MAX,
  INDEX_TYPES,
  MANIFEST_TYPES,
  readImage,
  checkSize,
  readManifest,
  sha256Of,
} from "./manifest.ts";
import { Paced } from "./pace.ts";
import type { RegistryReference } from "./reference.ts";
import type { RegistryAccess } from "./registry-access.ts";

const TOKEN_SIZE_BYTES_MAX = 64 * 1024;
/** From the registry to its storage is one. */
const REDIRECTS_MAX = 5;
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface Reading {
  readonly clock: Clock;
  /** Ends all that is being read. */
  readonly closed: AbortSignal;
}

/** An answer that is read once. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AsyncGenerator<Buffer, void>;
}

export async function findInRegistry(
  reference: RegistryReference,
  access: RegistryAccess,
  reading: Reading,
): Promise<FoundImage> {
  const { uri, repository } = reference;
  const client = new RegistryClient(reference, access, reading);
  const answer = await client.get(`manifests/${reference.reference}`, {
    accept: [...MANIFEST_TYPES, ...INDEX_TYPES].join(", "),
  });
  const content = await readWhole(uri, "manifest", answer);
  const digest = sha256Of(content);
  if (reference.reference.startsWith("sha256:") && bare(reference.reference) !== digest)
    throw invalidImage(uri, "the registry's manifest has another digest than it was asked for");
  const type = (answer.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
  const manifest = readManifest(uri, content, type);
  const config = await readBlob(client, uri, manifest.config);
  return {
    ...readImage(uri, manifest, config),
    uri,
    resolvedUri: `${reference.host}/${repository}@sha256:${digest}`,
    isNear: false,
    open: async (layer) => Readable.from((await client.get(`blobs/sha256:${layer.digest}`, {})).body),
  };
}

async function readBlob(client: RegistryClient, uri: string, { digest, sizeBytes }: Descriptor): Promise<Buffer> {
  const content = await readWhole(uri, "configuration", await client.get(`blobs/${digest}`, {}));
  if (sha256Of(content) !== bare(digest)) throw invalidImage(uri, "its configuration has another digest than its name");
  checkSize(uri, "configuration", content, sizeBytes);
  return content;
}

async function readWhole(
  uri: string,
  what: string,
  answer: Answer,
  sizeBytesMax = DOCUMENT_SIZE_BYTES_MAX,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of answer.body) {
    sizeBytes += part.length;
    if (sizeBytes > sizeBytesMax) throw invalidImage(uri, `its ${what} is too large`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

class RegistryClient {
  readonly #reference: RegistryReference;
  readonly #access: RegistryAccess;
  readonly #reading: Reading;
  #authorization: string | null;

  constructor(reference: RegistryReference, access: RegistryAccess, reading: Reading) {
    this.#reference = reference;
    this.#access = access;
    this.#reading = reading;
    this.#authorization = null;
  }

  /** Resolves with an answer that is 200. Throws an ApiError where the registry says no, and where it says nothing. */
  async get(path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { uri, host, repository } = this.#reference;
    const url = new URL(`/v2/${repository}/${path}`, this.#access.url);
    let answer = await this.#fetch(url, headers);
    if (answer.status === 401) {
      await drop(answer);
      this.#authorization = await this.#authorize(answer.headers.get("www-authenticate") ?? "");
      answer = await this.#fetch(url, headers);
    }
    if (answer.status === 200) return answer;
    await drop(answer);
    if (answer.status === 401 || answer.status === 403)
      throw deniedImage(
        this.#access.credentials === null
          ? `${host} wants credentials for ${repository}: name a file with them, --registry-auth FILE`
          : `${host} does not let these credentials read ${repository}`,
      );
    if (answer.status === 404)
      throw path.startsWith("manifests/") ? missingImage(uri) : invalidImage(uri, `${path} is missing`);
    throw registryFailed(host, `it answers ${answer.status}`);
  }

  /** Follows the registry to its storage, where its own credentials are left out. */
  async #fetch(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const own = this.#authorization === null ? {} : { authorization: this.#authorization };
    let place = url;
    for (let followed = 0; followed <= REDIRECTS_MAX; followed++) {
      const answer = await this.#fetchFrom(place, place.origin === url.origin ? { ...headers, ...own } : headers);
      const next = redirectOf(answer, place);
      if (next === null) return answer;
      await drop(answer);
      const { host } = this.#reference;
      if (!this.#mayAsk(next))
        throw registryFailed(
          host,
          `it sends to ${next.origin}, which is neither encrypted nor named with --image-registry`,
        );
      place = next;
    }
    throw registryFailed(this.#reference.host, `it sends to another place more than ${REDIRECTS_MAX} times`);
  }

  /**
   * Nothing is asked in the clear that the operator did not name: inside a network there are services that believe
   * whoever reaches them, such as a cloud's metadata. With encryption, who answers has a certificate of its name.
   */
  #mayAsk({ protocol, origin }: URL): boolean {
    return protocol === "https:" || this.#access.origins.has(origin);
  }

  async #fetchFrom(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const paced = new Paced(this.#reading.clock, this.#reading.closed);
    try {
      const answer = await paced.fetch(url, headers);
      return { status: answer.status, headers: answer.headers, body: this.#explained(paced.body(answer)) };
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** A body may break off at any time. */
  async *#explained(body: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
    try {
      yield* body;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): ApiError {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : message;
    return registryFailed(this.#reference.host, reason);
  }

  /** Makes the header that the registry asks for. */
  async #authorize(challenge: string): Promise<string | null> {
    const { uri, host, repository } = this.#reference;
    const { credentials } = this.#access;
    const basic = credentials === null ? null : `Basic ${Buffer.from(credentials).toString("base64")}`;
    if (/^basic\b/i.test(challenge)) return basic;
    const realm = parameterOf(challenge, "realm");
    if (!/^bearer\b/i.test(challenge) || realm === null || !URL.canParse(realm)) return null;
    const url = new URL(realm);
    if (!this.#mayAsk(url)) throw deniedImage(`${host} sends for a token to ${url.origin}, which is not encrypted`);
    const service = parameterOf(challenge, "service");
    if (service !== null) url.searchParams.set("service", service);
    url.searchParams.set("scope", parameterOf(challenge, "scope") ?? `repository:${repository}:pull`);
    this.#authorization = basic;
    const answer = await this.#fetch(url, {});
    const content = await readWhole(uri, "token", answer, TOKEN_SIZE_BYTES_MAX);
    if (answer.status !== 200) return null;
    const { token, access_token: other } = parseToken(content);
    const found = token ?? other;
    return typeof found === "string" && /^[\x21-\x7e]+$/.test(found) ? `Bearer ${found}` : null;
  }
}

/** Null where the answer does not send on. */
function redirectOf({ status, headers }: Answer, from: URL): URL | null {
  const to = headers.get("location");
  return REDIRECT_STATUSES.has(status) && to !== null ? URL.parse(to, from.href) : null;
}

async function drop({ body }: Answer): Promise<void> {
  // A generator that has not begun would end without a look at the stream below it.
  await body.next().catch(() => undefined);
  await body.return();
}

function parseToken(content: Buffer): { readonly token?: unknown; readonly access_token?: unknown } {
  try {
    return (JSON.parse(content.toString("utf8")) as object | null) ?? {};
  } catch {
    return {};
  }
}

function parameterOf(challenge: string, name: string): string | null {
  const at = challenge.toLowerCase().indexOf(`${name}="`);
  if (at === -1) return null;
  const start = at + name.length + 2;
  const end = challenge.indexOf('"', start);
  return end === -1 ? null : challenge.slice(start, end);
}
