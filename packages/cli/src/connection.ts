/** A connection to the server that find-server.ts names: for AWS's Lambda API, and for Thaw's own. */
import { type Send, ThawClient, type ThawRequest } from "@thaw/thaw-api/client";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import { signRequest, type SigningCredentials } from "@thaw/aws-api";
import { CommandError } from "@thaw/installation/command-error";
import { fetchEndless } from "./endless.ts";
import { findTarget } from "./find-server.ts";

/**
 * Settings of AWS's clients here. Each request has a connection of its own: Node.js keeps an idle one for as long as
 * the server lets it, and a request that is sent while the server closes it fails, as none is tried again.
 */
export const CLIENT_SETTINGS = {
  maxAttempts: 1,
  requestHandler: { httpAgent: { keepAlive: false }, httpsAgent: { keepAlive: false } },
} as const;

export interface Connection {
  readonly endpoint: string;
  readonly region: string;
  /** The client of AWS, loaded with its first use: most commands do without. */
  readonly lambda: () => Promise<LambdaClient>;
  readonly credentials: () => Promise<SigningCredentials>;
  /** Thaw's own API. A refusal is a RefusedError. */
  readonly thaw: ThawClient;
}

/** A refusal of Thaw's own API, with the server's message. */
export class RefusedError extends CommandError {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function connect(): Connection {
  const target = findTarget(process.env);
  const { endpoint, region } = target;
  // The SDK's own search would find the person's keys for AWS.
  const credentials = async (): Promise<SigningCredentials> => {
    if (target.credentials instanceof CommandError) throw target.credentials;
    return target.credentials;
  };
  let client: Promise<LambdaClient> | null = null;
  const open = async (): Promise<LambdaClient> => {
    const { LambdaClient } = await import("@aws-sdk/client-lambda");
    return new LambdaClient({ endpoint, region, credentials, ...CLIENT_SETTINGS });
  };
  return {
    endpoint,
    region,
    lambda: () => (client ??= open()),
    credentials,
    thaw: new ThawClient(sender(endpoint, region, credentials)),
  };
}

function sender(endpoint: string, region: string, credentials: () => Promise<SigningCredentials>): Send {
  return async (request: ThawRequest) => {
    const { method, path, query, body, signal, isEndless } = request;
    const signable = { method, path, query, headers: { host: new URL(endpoint).host }, body };
    const headers = signRequest(signable, await credentials(), region, Date.now());
    const url = `${endpoint}${path}${query === "" ? "" : `?${query}`}`;
    const response = isEndless
      ? await fetchEndless(url, { method, headers, signal })
      : await fetch(url, {
          method,
          headers: { ...headers, ...(body.length > 0 ? { "content-type": "application/octet-stream" } : {}) },
          ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
          ...(signal === null ? {} : { signal }),
        });
    if (response.ok) return response;
    const answer = (await response.json().catch(() => ({}))) as { message?: string; Message?: string };
    const said = answer.message ?? answer.Message ?? `the server answered ${response.status}`;
    throw new RefusedError(response.status, said);
  };
}
