/**
 * Where the server is, and with which credentials: THAW_ENDPOINT, else AWS_ENDPOINT_URL_LAMBDA, else 127.0.0.1:9000; the usual AWS
 * variables and profiles, else the credentials that a server on this machine made for itself.
 */
import { LambdaClient } from "@aws-sdk/client-lambda";
import { defaultDataDirOf } from "@thaw/installation";
import { signRequest, type SigningCredentials } from "@thaw/aws-api";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CommandError } from "@thaw/installation/command-error";

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
  const env = process.env;
  const endpoint = (env["THAW_ENDPOINT"] ?? env["AWS_ENDPOINT_URL_LAMBDA"] ?? "http://127.0.0.1:9000").replace(
    /\/$/,
    "",
  );
  const region = env["THAW_REGION"] ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? "us-east-1";
  const given = localCredentials();
  const lambda = new LambdaClient({
    endpoint,
    region,
    maxAttempts: 1,
    ...(given === null ? {} : { credentials: given }),
  });
  const credentials = async (): Promise<SigningCredentials> =>
    lambda.config.credentials() as Promise<SigningCredentials>;
  return {
    endpoint,
    region,
    lambda,
    credentials,
    admin: (method, path, options = {}) => callAdmin(endpoint, region, credentials, method, path, options),
  };
}

/** Null: the SDK's own search (variables, profiles) finds them. */
function localCredentials(): SigningCredentials | null {
  const env = process.env;
  const hasProfile =
    env["AWS_PROFILE"] !== undefined ||
    existsSync(env["AWS_SHARED_CREDENTIALS_FILE"] ?? join(homedir(), ".aws/credentials"));
  if (env["THAW_ACCESS_KEY_ID"] && env["THAW_SECRET_ACCESS_KEY"])
    return { accessKeyId: env["THAW_ACCESS_KEY_ID"], secretAccessKey: env["THAW_SECRET_ACCESS_KEY"] };
  if (env["AWS_ACCESS_KEY_ID"] !== undefined || hasProfile) return null;
  for (const dir of [env["THAW_DATA"], defaultDataDirOf(env, true), defaultDataDirOf(env, false)]) {
    const found = dir === undefined ? null : readProfile(join(dir, "credentials"));
    if (found !== null) return found;
  }
  return null;
}

function readProfile(path: string): SigningCredentials | null {
  try {
    const text = readFileSync(path, "utf8");
    const accessKeyId = /^aws_access_key_id\s*=\s*(\S+)/m.exec(text)?.[1];
    const secretAccessKey = /^aws_secret_access_key\s*=\s*(\S+)/m.exec(text)?.[1];
    return accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey } : null;
  } catch {
    return null;
  }
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
