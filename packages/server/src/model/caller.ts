/** Who makes a request, as its signature tells. */
import type { AccountScope } from "./function-name.ts";

/** An access key that requests are signed with, and what it stands for. */
export interface CallerKey {
  readonly secretAccessKey: string;
  readonly accountId: string;
  /** ARN of the account itself, or of the session of a role, as functions have one. */
  readonly principalArn: string;
  /** UserId of GetCallerIdentity. */
  readonly userId: string;
  /**
   * `operator`: the home account's own key, which may see and change the host. `account`: another account's own key.
   * `function`: what a function finds in its environment, and what it gets for that.
   */
  readonly kind: "operator" | "account" | "function";
  /** True for temporary credentials. */
  readonly isSession: boolean;
}

/** The caller of a request: its account, and the Region that it was signed for. */
export interface Caller extends AccountScope, Omit<CallerKey, "secretAccessKey"> {
  readonly accessKeyId: string;
}

/** True for calls that the server makes itself, for a stack: no key signs them. */
export function isServer({ accessKeyId }: Pick<Caller, "accessKeyId">): boolean {
  return accessKeyId === "";
}

/** Says who a verified signature is of. */
export function callerOf({
  accessKeyId,
  region,
  key,
}: {
  readonly accessKeyId: string;
  readonly region: string;
  readonly key: CallerKey;
}): Caller {
  const { secretAccessKey: _, ...shown } = key;
  return { ...shown, accessKeyId, region };
}

/** The ARN of an account itself, which is also its principal in policies. */
export function rootArn(accountId: string): string {
  return `arn:aws:iam::${accountId}:root`;
}

/** The ARN of a session of a role; the role's path is not in it. */
export function sessionArn(accountId: string, roleName: string, sessionName: string): string {
  return `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`;
}
