/**
 * Temporary credentials that a function sees. Every environment gets its own; a restored one gets fresh ones behind the
 * same token.
 */
export interface FunctionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
}

export interface CredentialSource {
  issue(functionArn: string): FunctionCredentials;
}
