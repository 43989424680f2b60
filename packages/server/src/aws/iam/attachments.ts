/**
 * How often a policy is used. A policy's own record counts it, and is written with the role's: so a policy that is in
 * use can't be removed, whoever is first.
 */
import type { ManagedPolicyRecord } from "../../model/iam/records.ts";
import type { EntryStore } from "../../ports/account-stores.ts";
import type { Write } from "../../ports/metadata-store.ts";
import { type Entities, noSuch, readPolicyArn } from "./context.ts";

/** The owner of AWS's own policies, of which the account keeps nothing but that they are used. */
export const AWS_OWNER = "aws";

/** The writes with which a role is bounded by another policy; null: by none. */
export async function changeBoundaries(
  entities: Entities,
  store: EntryStore,
  before: string | null,
  after: string | null,
): Promise<readonly Write[]> {
  if (before === after) return [];
  const gone = before === null ? [] : await count(entities, store, before, "boundaries", -1);
  const come = after === null ? [] : await count(entities, store, after, "boundaries", 1);
  return [...gone, ...come];
}

/** The writes with which a policy is attached to one role more, or fewer. Throws NoSuchEntity. */
export async function count(
  entities: Entities,
  store: EntryStore,
  arn: string,
  what: keyof Pick<ManagedPolicyRecord, "attachments" | "boundaries">,
  by: 1 | -1,
): Promise<readonly Write[]> {
  if (readPolicyArn(arn).owner === AWS_OWNER) return [];
  const over = await entities.policyOf(store, arn);
  if (over === null) throw noSuch(`Policy ${arn} does not exist or is not attachable.`);
  return [{ op: "put", kind: "iamPolicy", record: { ...over, [what]: over[what] + by }, over }];
}
