/** What the clients of all services have in common: endpoint, credentials, limits of time, and errors in our terms. */
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { SourceService } from "../model/event-source-record.ts";
import { EventSourceError, type EventSourceProblem } from "../ports/event-sources.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsSourcesOptions {
  /** The endpoint that the operator named for a service; nothing is read of a service without one. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Credentials; null: variables, profiles and roles, as for any AWS client. */
  readonly credentials: Credentials | null;
}

export interface SourceClientConfig {
  readonly region: string;
  readonly endpoint: string;
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: boolean;
    readonly httpAgent: { readonly maxSockets: number; readonly keepAlive: boolean };
    readonly httpsAgent: { readonly maxSockets: number; readonly keepAlive: boolean };
  };
  readonly credentials: () => Promise<Credentials>;
}

const CONNECT_TIMEOUT_MS = 5000;
/** Longer than the longest long poll, which takes 20 s. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Each mapping holds a connection while it waits for messages. */
const SOCKETS_MAX = 4096;
/** Services of a developer's machine ask for a signature, and don't look at it. */
const ANY_CREDENTIALS: Credentials = { accessKeyId: "thaw", secretAccessKey: "thaw" };

const MISSING: ReadonlySet<string> = new Set([
  "AWS.SimpleQueueService.NonExistentQueue",
  "QueueDoesNotExist",
  "ResourceNotFoundException",
]);
const EXPIRED: ReadonlySet<string> = new Set([
  "ExpiredIteratorException",
  "InvalidArgumentException",
  "TrimmedDataAccessException",
]);
const REFUSED: ReadonlySet<string> = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "KmsAccessDenied",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);

/** The streams of DynamoDB have an endpoint of their own at AWS, and that of the tables elsewhere. */
export function endpointOf({ endpoints }: AwsSourcesOptions, service: SourceService): string | undefined {
  return (service === "dynamodb" ? endpoints.get("dynamodbstreams") : undefined) ?? endpoints.get(service);
}

export class ClientConfigs {
  readonly #options: AwsSourcesOptions;
  readonly #search = defaultProvider({ timeout: 1000, maxRetries: 0 });

  constructor(options: AwsSourcesOptions) {
    this.#options = options;
  }

  /** Throws where the service has no endpoint: its sources are not asked for then. */
  of(service: SourceService, region: string): SourceClientConfig {
    const endpoint = endpointOf(this.#options, service);
    if (endpoint === undefined) throw new Error(`no endpoint is named for ${service}`);
    const agent = { maxSockets: SOCKETS_MAX, keepAlive: true };
    return {
      region,
      endpoint,
      // Pollers try again, in their own time.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
        httpAgent: agent,
        httpsAgent: agent,
      },
      credentials: () => this.#credentials(),
    };
  }

  async #credentials(): Promise<Credentials> {
    if (this.#options.credentials !== null) return this.#options.credentials;
    try {
      return await this.#search();
    } catch {
      return ANY_CREDENTIALS;
    }
  }
}

/** Says of a client's error what it means for who reads the source. */
export async function inOurTerms<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toSourceError(error);
  }
}

function toSourceError(error: unknown): EventSourceError {
  if (!(error instanceof Error)) return new EventSourceError("away", String(error));
  const code = codeOf(error);
  const text = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return new EventSourceError(problemOf(error.name, code), text, code, error);
}

function problemOf(name: string, code: string | null): EventSourceProblem {
  const names = [name, code ?? ""];
  if (names.some((each) => MISSING.has(each))) return "missing";
  if (names.some((each) => EXPIRED.has(each))) return "expired";
  return names.some((each) => REFUSED.has(each)) ? "refused" : "away";
}

/** The name that the service's documents have for it: a client may have another one for its class. */
function codeOf(error: Error): string | null {
  const code = (error as { readonly Code?: unknown; readonly Error?: { readonly Code?: unknown } }).Code;
  return typeof code === "string" ? code : null;
}
