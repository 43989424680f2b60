/**
 * The keys of issuers, found by OpenID Connect's discovery and kept for as long as AWS may keep them. A key that is not
 * known is looked for once in a while only: whoever sends tokens can invent as many names of keys as he likes.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 */
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import type { Clock } from "../base/clock.ts";
import { FetchError, fetchDocument, type FetchLimits } from "./fetch-document.ts";
import { issuerProblem } from "./issuer-url.ts";

export type KeySet = ReturnType<typeof createLocalJWKSet>;

export interface FoundKeys {
  readonly keys: KeySet;
  /** Names of the keys. */
  readonly ids: ReadonlySet<string>;
}

export interface IssuerKeysOptions {
  readonly clock: Clock;
  /** Whether a URL that is not https may be asked. */
  readonly isHttpIssuer: (url: URL) => boolean;
  /** AWS's is 1,500 ms, for each of the two documents. */
  readonly timeoutMs: number;
}

/** AWS: "API Gateway can cache the public key for two hours". */
const KEPT_MS = 2 * 3_600_000;
/** Shortest time between two fetches of an issuer's keys because of a key that is not known. AWS does not say it. */
const REFETCH_MS = 10_000;
/** Time for which an issuer that could not be asked is not asked again. */
const FAILURE_KEPT_MS = 1000;
/** AWS's limit of the key set; it has none for the discovery's document. */
const SIZE_BYTES_MAX = 150_000;
/** Issuers whose keys are kept; the one that was fetched first goes. */
const ISSUERS_MAX = 128;

interface Kept {
  readonly found: Promise<FoundKeys>;
  readonly fetchedMs: number;
  /** Null while they are fetched. */
  isGood: boolean | null;
  /** When they were asked for last. */
  askedMs: number;
  /** The fetch that may take their place, while it runs. */
  renewal: Promise<FoundKeys> | null;
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** Gives the keys, with the one of this name if the issuer has it. Throws a FetchError where they can't be had. */
  async find(issuer: string, keyId: string): Promise<FoundKeys> {
    const kept = this.#kept.get(issuer);
    if (kept === undefined || this.#isOld(kept)) return this.#fetch(issuer);
    const found = await kept.found;
    if (found.ids.has(keyId)) return found;
    if (kept.renewal !== null) return kept.renewal;
    const isDue = this.#options.clock.monotonicMs() - kept.askedMs >= REFETCH_MS;
    return isDue ? this.#renew(issuer, kept, found) : found;
  }

  /** Keys that are good stay where the issuer can't be asked just now. */
  async #renew(issuer: string, kept: Kept, found: FoundKeys): Promise<FoundKeys> {
    kept.askedMs = this.#options.clock.monotonicMs();
    kept.renewal = fetchKeys(issuer, this.#options).then(
      (renewed) => {
        this.#keep(issuer, Promise.resolve(renewed), true);
        return renewed;
      },
      () => found,
    );
    try {
      return await kept.renewal;
    } finally {
      kept.renewal = null;
    }
  }

  #isOld({ fetchedMs, isGood }: Kept): boolean {
    const ageMs = this.#options.clock.monotonicMs() - fetchedMs;
    return isGood === false ? ageMs >= FAILURE_KEPT_MS : isGood === true && ageMs >= KEPT_MS;
  }

  #fetch(issuer: string): Promise<FoundKeys> {
    const found = fetchKeys(issuer, this.#options);
    const kept = this.#keep(issuer, found, null);
    found.then(
      () => void (kept.isGood = true),
      () => void (kept.isGood = false),
    );
    return found;
  }

  #keep(issuer: string, found: Promise<FoundKeys>, isGood: boolean | null): Kept {
    const nowMs = this.#options.clock.monotonicMs();
    const kept: Kept = { found, fetchedMs: nowMs, askedMs: nowMs, isGood, renewal: null };
    this.#kept.delete(issuer);
    this.#kept.set(issuer, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > ISSUERS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }
}

async function fetchKeys(issuer: string, { clock, timeoutMs, isHttpIssuer }: IssuerKeysOptions): Promise<FoundKeys> {
  const problem = issuerProblem(issuer, isHttpIssuer);
  if (problem !== null) throw new FetchError(problem);
  const limits: FetchLimits = { timeoutMs, sizeBytesMax: SIZE_BYTES_MAX };
  const place = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { jwks_uri: uri } = await fetchDocument(new URL(place), limits, clock);
  const url = typeof uri === "string" && URL.canParse(uri) ? new URL(uri) : null;
  if (url === null || (url.protocol !== "https:" && !(url.protocol === "http:" && isHttpIssuer(url))))
    throw new FetchError(`${place} has no jwks_uri of https`);
  return readKeys(await fetchDocument(url, limits, clock), url);
}

function readKeys(document: Readonly<Record<string, unknown>>, url: URL): FoundKeys {
  try {
    const set = document as unknown as JSONWebKeySet;
    const keys = createLocalJWKSet(set);
    return { keys, ids: new Set(set.keys.flatMap(({ kid }) => (typeof kid === "string" ? [kid] : []))) };
  } catch {
    throw new FetchError(`${url.href} is no set of keys`);
  }
}
