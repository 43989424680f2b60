/** The credentials endpoint, which exists only with SnapStart: a snapshot must not have credentials in its memory. */
import type { FunctionCredentials } from "../../ports/credential-source.ts";
import type { RuntimeCall } from "../../ports/supervisor.ts";
import { JSON_HEADERS, TEXT_HEADERS } from "./answers.ts";

export interface CredentialsOptions {
  /** The authorization that the caller must send; null without SnapStart. */
  readonly token: string | null;
  /** Returns credentials that are fresh enough to hand out. */
  credentials(): FunctionCredentials;
}

export function answerCredentials(call: RuntimeCall, options: CredentialsOptions): void {
  const { token } = options;
  if (token === null || call.headers.get("authorization") !== token) {
    return call.respond(404, TEXT_HEADERS, "cannot get credentials for the provided token");
  }
  const credentials = options.credentials();
  const body = {
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: new Date(credentials.expiresAtMs).toISOString().replace(/\.\d{3}Z$/, "Z"),
  };
  call.respond(200, JSON_HEADERS, JSON.stringify(body));
}
