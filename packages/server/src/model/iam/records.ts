/**
 * What IAM keeps of an account: roles, policies, instance profiles. Nothing follows from them, but that a role of
 * another account is assumed by whom its trust policy names. Names are not told apart by case: ids are in lower case.
 */

/** What all of them have. */
interface IamEntity {
  /** The name in lower case: the key among those of its kind. */
  readonly id: string;
  readonly name: string;
  /** Begins and ends with a slash. */
  readonly path: string;
  /** AWS's unique id, such as AROA…. */
  readonly uniqueId: string;
  readonly createdAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RoleRecord extends IamEntity {
  /** The trust policy as it was given. */
  readonly trustPolicy: string;
  readonly description: string;
  readonly maxSessionS: number;
  /** ARN of a policy; null: none. */
  readonly permissionsBoundary: string | null;
  /** Documents by the policies' names. */
  readonly inlinePolicies: Readonly<Record<string, string>>;
  /** In the order of their attachment. */
  readonly attachedPolicies: readonly AttachedPolicy[];
  /** Names of the instance profiles that it is in. */
  readonly instanceProfiles: readonly string[];
  /** The service whose service-linked role it is; null: an ordinary one. */
  readonly linkedTo: string | null;
}

export interface AttachedPolicy {
  readonly name: string;
  readonly arn: string;
}

/** A policy that the account has made itself. */
export interface ManagedPolicyRecord extends IamEntity {
  readonly description: string;
  readonly updatedAtMs: number;
  /** The oldest first. */
  readonly versions: readonly PolicyVersionInfo[];
  readonly defaultVersion: string;
  readonly lastVersion: number;
  /** Number of roles that it is attached to, and that it bounds. */
  readonly attachments: number;
  readonly boundaries: number;
}

export interface PolicyVersionInfo {
  readonly id: string;
  readonly createdAtMs: number;
}

/** The document of a version; written and removed with it. */
export interface PolicyDocumentRecord {
  /** Id of the policy, a slash and the version. */
  readonly id: string;
  readonly document: string;
}

export interface InstanceProfileRecord extends IamEntity {
  /** Name of the role in it; null: none. */
  readonly role: string | null;
}

/** The key of an entity among those of its kind. */
export function entityId(name: string): string {
  return name.toLowerCase();
}

export function policyDocumentId(policy: Pick<ManagedPolicyRecord, "id">, version: string): string {
  return `${policy.id}/${version}`;
}
