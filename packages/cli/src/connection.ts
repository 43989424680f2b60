/**
 * Where the server is, and with which credentials: THAW_ENDPOINT, else AWS_ENDPOINT_URL_LAMBDA, else 127.0.0.1:9000; the usual AWS
 * variables and profiles, else the credentials that a server on this machine made for itself.
 */
import { type Send, ThawClient, type ThawRequest } from "@thaw/thaw-api";
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
  /** Thaw's own API. A refusal is a CommandError with the server's message. */
  readonly thaw: ThawClient;
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
    thaw: new ThawClient(sender(endpoint, region, credentials)),
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

function sender(endpoint: string, region: string, credentials: () => Promise<SigningCredentials>): Send {
  return async (request: ThawRequest) => {
    const { method, path, query, body, signal } = request;
    const signable = { method, path, query, headers: { host: new URL(endpoint).host }, body };
    const headers = signRequest(signable, await credentials(), region, Date.now());
    const response = await fetch(`${endpoint}${path}${query === "" ? "" : `?${query}`}`, {
      method,
      headers: { ...headers, ...(body.length > 0 ? { "content-type": "application/octet-stream" } : {}) },
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
      ...(signal === null ? {} : { signal }),
    });
    if (response.ok) return response;
    const answer = (await response.json().catch(() => ({}))) as { message?: string; Message?: string };
    throw new CommandError(answer.message ?? answer.Message ?? `the server answered ${response.status}`);
  };
}
