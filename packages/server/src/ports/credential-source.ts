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

/** The function whose credentials they are: its account may be called with them. */
export interface CredentialOwner {
  readonly accountId: string;
  readonly functionName: string;
  /** ARN of its role. */
  readonly role: string;
}

export interface CredentialSource {
  issue(owner: CredentialOwner): FunctionCredentials;
}
