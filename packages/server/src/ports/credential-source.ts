/** Temporary credentials: a function's own, and those of sessions. */
import type { CallerKey } from "../model/caller.ts";

export interface TemporaryCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
}

/**
 * What a function sees. Every environment gets its own; a restored one gets fresh ones behind the same token.
 */
export type FunctionCredentials = TemporaryCredentials;

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

/** A session that STS hands out. */
export interface NewSession extends Pick<CallerKey, "accountId" | "principalArn" | "userId"> {
  /** A function's stays a function's: it can't gain what functions may not do by assuming a role. */
  readonly kind: "account" | "function";
  readonly lifetimeMs: number;
}

export interface SessionSource {
  issueSession(session: NewSession): TemporaryCredentials;
  /** Gives the id of a role that nobody has made: functions may have such. */
  roleIdOf(roleName: string): string;
}
