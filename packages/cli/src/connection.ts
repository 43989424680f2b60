/** A connection to the server that find-server.ts names: for AWS's Lambda API, and for Thaw's own. */
import { LambdaClient } from "@aws-sdk/client-lambda";
import { signRequest, type SigningCredentials } from "@thaw/aws-api";
import { CommandError } from "@thaw/installation/command-error";
import { findTarget } from "./find-server.ts";

export interface Connection {
  readonly endpoint: string;
  readonly region: string;
  readonly lambda: LambdaClient;
  readonly credentials: () => Promise<SigningCredentials>;
  /** A call of Thaw's own API; an answer over 299 is a CommandError. */
  admin(method: string, path: string, options?: AdminOptions): Promise<Response>;
}

export interface AdminOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal?: AbortSignal;
}

export function connect(): Connection {
  const target = findTarget(process.env);
  const { endpoint, region } = target;
  // The SDK's own search would find the person's keys for AWS.
  const credentials = async (): Promise<SigningCredentials> => {
    if (target.credentials instanceof CommandError) throw target.credentials;
    return target.credentials;
  };
  const lambda = new LambdaClient({ endpoint, region, credentials, maxAttempts: 1 });
  return {
    endpoint,
    region,
    lambda,
    credentials,
    admin: (method, path, options = {}) => callAdmin(endpoint, region, credentials, method, path, options),
  };
}

async function callAdmin(
  endpoint: string,
  region: string,
  credentials: () => Promise<SigningCredentials>,
  method: string,
  path: string,
  options: AdminOptions,
): Promise<Response> {
  const fullPath = `/_thaw/v1/${path}`;
  const query = new URLSearchParams(options.query).toString();
  const body = options.body ?? Buffer.alloc(0);
  const headers = signRequest(
    { method, path: fullPath, query, headers: { host: new URL(endpoint).host }, body },
    await credentials(),
    region,
    Date.now(),
  );
  const response = await fetch(`${endpoint}${fullPath}${query === "" ? "" : `?${query}`}`, {
    method,
    headers: { ...headers, ...(body.length > 0 ? { "content-type": "application/octet-stream" } : {}) },
    ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (response.ok) return response;
  const answer = (await response.json().catch(() => ({}))) as { message?: string; Message?: string };
  throw new CommandError(answer.message ?? answer.Message ?? `the server answered ${response.status}`);
}
