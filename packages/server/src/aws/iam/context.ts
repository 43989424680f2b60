/** What all operations of IAM share: the account's entities, their names and ids, and AWS's refusals. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { AccountScope } from "../../model/function-name.ts";
import {
  entityId,
  type InstanceProfileRecord,
  type ManagedPolicyRecord,
  type RoleRecord,
} from "../../model/iam/records.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { AccountStores, EntryStore } from "../../ports/account-stores.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import { type Change, changeEntries } from "../entries.ts";

export interface IamParts {
  readonly scope: AccountScope;
  /** IAM has no Regions. */
  readonly accountStores: AccountStores;
  readonly clock: Clock;
  readonly random: Random;
}

/** Letters of AWS's unique ids. */
const ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_LENGTH = 17;
const POLICY_ARN = /^arn:aws:iam::(\d{12}|aws):policy((?:\/[\x21-\x7e]{1,510})?\/)([\w+=,.@-]{1,128})$/;

export class Entities {
  readonly parts: IamParts;

  constructor(parts: IamParts) {
    this.parts = parts;
  }

  get nowMs(): number {
    return this.parts.clock.nowMs();
  }

  own(): Promise<EntryStore> {
    return this.parts.accountStores.own();
  }

  async change<T>(decide: (store: EntryStore) => Promise<Change<T>>): Promise<T> {
    return changeEntries(await this.own(), "ConcurrentModification", decide);
  }

  /** AROA for roles, ANPA for policies, AIPA for instance profiles. */
  newId(prefix: "AROA" | "ANPA" | "AIPA"): string {
    const letters = [...this.parts.random.bytes(ID_LENGTH)].map((byte) => ID_LETTERS[byte % ID_LETTERS.length] ?? "");
    return `${prefix}${letters.join("")}`;
  }

  arnOf(
    kind: "role" | "policy" | "instance-profile",
    { path, name }: { readonly path: string; readonly name: string },
  ) {
    return `arn:aws:iam::${this.parts.scope.accountId}:${kind}${path}${name}`;
  }

  async findRole(store: EntryStore, name: string): Promise<Stored<RoleRecord>> {
    const found = await store.getAccountEntry("iamRole", entityId(name));
    if (found === null) throw noSuch(`The role with name ${name} cannot be found.`);
    return found;
  }

  /** A role that may be changed: those of AWS's services are theirs. */
  async findOwnRole(store: EntryStore, name: string): Promise<Stored<RoleRecord>> {
    const role = await this.findRole(store, name);
    if (role.linkedTo !== null)
      throw new ServiceError(
        "UnmodifiableEntity",
        `Cannot perform the operation on the protected role '${name}' - this role is only modifiable by AWS`,
      );
    return role;
  }

  async findProfile(store: EntryStore, name: string): Promise<Stored<InstanceProfileRecord>> {
    const found = await store.getAccountEntry("iamInstanceProfile", entityId(name));
    if (found === null) throw noSuch(`Instance Profile ${name} cannot be found.`);
    return found;
  }

  /** A policy that this account has made. */
  async findPolicy(store: EntryStore, arn: string): Promise<Stored<ManagedPolicyRecord>> {
    const found = await this.policyOf(store, arn);
    if (found === null) throw noSuch(`Policy ${arn} was not found.`);
    return found;
  }

  /** Null where this account has not made it. */
  async policyOf(store: EntryStore, arn: string): Promise<Stored<ManagedPolicyRecord> | null> {
    const { name } = readPolicyArn(arn);
    const found = await store.getAccountEntry("iamPolicy", entityId(name));
    return found !== null && this.arnOf("policy", found) === arn ? found : null;
  }
}

export interface NamedPolicy {
  /** An account's number, or aws. */
  readonly owner: string;
  readonly path: string;
  readonly name: string;
}

export function readPolicyArn(arn: string): NamedPolicy {
  const [, owner, path, name] = POLICY_ARN.exec(arn) ?? [];
  if (owner === undefined || path === undefined || name === undefined)
    throw new ServiceError("InvalidInput", `ARN ${arn.slice(0, 200)} is not valid.`);
  return { owner, path, name };
}

export function noSuch(message: string): ServiceError {
  return new ServiceError("NoSuchEntity", message);
}

export function alreadyThere(message: string): ServiceError {
  return new ServiceError("EntityAlreadyExists", message);
}

export function inUse(message: string): ServiceError {
  return new ServiceError("DeleteConflict", message);
}

export function limitExceeded(message: string): ServiceError {
  return new ServiceError("LimitExceeded", message);
}

export function invalidInput(message: string): ServiceError {
  return new ServiceError("InvalidInput", message);
}

/** AWS's quotas of an account (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). */
export const QUOTAS = { roles: 1000, policies: 1500, instanceProfiles: 1000, policiesOfRole: 20, versions: 5 } as const;

export function quotaExceeded(name: string, most: number): ServiceError {
  return limitExceeded(`Cannot exceed quota for ${name}: ${most}`);
}
