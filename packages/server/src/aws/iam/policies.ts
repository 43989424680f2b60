/** Managed policies: those that the account makes, with their versions, and the names of AWS's own. */
import type { OperationTypes, Policy } from "@thaw/aws-api/iam";
import type { Caller } from "../../model/caller.ts";
import { entityId, type ManagedPolicyRecord, policyDocumentId } from "../../model/iam/records.ts";
import type { EntryStore } from "../../ports/account-stores.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { AWS_OWNER } from "./attachments.ts";
import { AWS_POLICIES } from "./aws-policies.ts";
import { alreadyThere, type Entities, inUse, noSuch, QUOTAS, quotaExceeded, readPolicyArn } from "./context.ts";
import { checkManagedPolicy } from "./documents.ts";
import { listPage } from "./pages.ts";
import { presentAwsPolicy, presentPolicy, presentPolicyWhole } from "./present.ts";
import { showTags, withoutTags, withTags } from "./tags.ts";

const FIRST = "v1";

export function policyOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return { ...ownPolicyOperations(entities), ...listOperations(entities), ...tagOperationsOfPolicies(entities) };
}

function ownPolicyOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    CreatePolicy: (input, { caller }) =>
      entities.change(async (store) => {
        checkManagedPolicy(input.PolicyDocument);
        const policy = newPolicy(entities, input, caller);
        await checkNew(store, policy);
        const writes = [putPolicy(policy, null), putDocument(policy, FIRST, input.PolicyDocument)];
        return { writes, result: { Policy: presentPolicyWhole(entities, policy) } };
      }),
    async GetPolicy({ PolicyArn }) {
      const store = await entities.own();
      if (readPolicyArn(PolicyArn).owner !== AWS_OWNER)
        return { Policy: presentPolicyWhole(entities, await entities.findPolicy(store, PolicyArn)) };
      const known = (await awsPolicies(store)).find(({ Arn }) => Arn === PolicyArn);
      if (known === undefined) throw noSuch(`Policy ${PolicyArn} was not found.`);
      return { Policy: known };
    },
    DeletePolicy: ({ PolicyArn }) =>
      entities.change(async (store) => {
        const policy = await entities.findPolicy(store, PolicyArn);
        if (policy.attachments + policy.boundaries > 0) throw inUse("Cannot delete a policy attached to entities.");
        if (policy.versions.length > 1)
          throw inUse(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. " +
              "The default version is deleted with the policy.",
          );
        const documents = await removalOf(store, policy, policy.defaultVersion);
        return { writes: [{ op: "remove", kind: "iamPolicy", record: policy }, ...documents], result: {} };
      }),
  };
}

function listOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    async ListPolicies({ Scope = "All", OnlyAttached = false, PathPrefix = "/", PolicyUsageFilter, ...wish }) {
      const store = await entities.own();
      const own = Scope === "AWS" ? [] : await store.listAccountEntries("iamPolicy");
      const all = [
        ...own.map((policy) => presentPolicy(entities, policy)),
        ...(Scope === "Local" ? [] : await awsPolicies(store)),
      ];
      const isBoundary = PolicyUsageFilter === "PermissionsBoundary";
      const usesOf = ({ AttachmentCount = 0, PermissionsBoundaryUsageCount = 0 }: Policy): number =>
        isBoundary ? PermissionsBoundaryUsageCount : AttachmentCount;
      const wanted = all.filter(
        (policy) =>
          (policy.Path ?? "/").startsWith(PathPrefix) && (!(OnlyAttached || isBoundary) || usesOf(policy) > 0),
      );
      const { items, rest } = listPage(wanted, ({ Arn = "" }) => Arn, wish);
      return { Policies: items, ...rest };
    },
    async ListEntitiesForPolicy({ PolicyArn, EntityFilter = "Role", PolicyUsageFilter, PathPrefix = "/", ...wish }) {
      const store = await entities.own();
      if (readPolicyArn(PolicyArn).owner !== AWS_OWNER) await entities.findPolicy(store, PolicyArn);
      const roles = EntityFilter === "Role" ? await store.listAccountEntries("iamRole") : [];
      const isBoundary = PolicyUsageFilter === "PermissionsBoundary";
      const wanted = roles.filter(
        ({ path, attachedPolicies, permissionsBoundary }) =>
          path.startsWith(PathPrefix) &&
          (isBoundary ? permissionsBoundary === PolicyArn : attachedPolicies.some(({ arn }) => arn === PolicyArn)),
      );
      const { items, rest } = listPage(wanted, ({ id }) => id, wish);
      const shown = items.map(({ name, uniqueId }) => ({ RoleName: name, RoleId: uniqueId }));
      return { PolicyGroups: [], PolicyUsers: [], PolicyRoles: shown, ...rest };
    },
  };
}

function tagOperationsOfPolicies(entities: Entities): ServiceOperations<OperationTypes> {
  const change = (arn: string, edit: (policy: ManagedPolicyRecord) => ManagedPolicyRecord) =>
    entities.change(async (store) => {
      const over = await entities.findPolicy(store, arn);
      return { writes: [putPolicy(edit(over), over)], result: {} };
    });
  return {
    TagPolicy: ({ PolicyArn, Tags }) =>
      change(PolicyArn, (policy) => ({ ...policy, tags: withTags(policy.tags, Tags) })),
    UntagPolicy: ({ PolicyArn, TagKeys }) =>
      change(PolicyArn, (policy) => ({ ...policy, tags: withoutTags(policy.tags, TagKeys) })),
    async ListPolicyTags({ PolicyArn, ...wish }) {
      const { tags } = await entities.findPolicy(await entities.own(), PolicyArn);
      const { items, rest } = listPage(showTags(tags), ({ Key }) => Key, wish);
      return { Tags: items, ...rest };
    },
  };
}

export function putPolicy(record: ManagedPolicyRecord, over: Stored<ManagedPolicyRecord> | null): Write {
  return { op: "put", kind: "iamPolicy", record, over };
}

export function putDocument(policy: ManagedPolicyRecord, version: string, document: string): Write {
  const record = { id: policyDocumentId(policy, version), document };
  return { op: "put", kind: "iamPolicyDocument", record, over: null };
}

/** The write that takes a version's document away. */
export async function removalOf(
  store: EntryStore,
  policy: ManagedPolicyRecord,
  version: string,
): Promise<readonly Write[]> {
  const record = await store.getAccountEntry("iamPolicyDocument", policyDocumentId(policy, version));
  return record === null ? [] : [{ op: "remove", kind: "iamPolicyDocument", record }];
}

function newPolicy(
  entities: Entities,
  input: OperationTypes["CreatePolicy"]["input"],
  caller: Caller,
): ManagedPolicyRecord {
  const { nowMs } = entities;
  return {
    id: entityId(input.PolicyName),
    name: input.PolicyName,
    path: input.Path ?? "/",
    uniqueId: entities.newId("ANPA"),
    createdAtMs: nowMs,
    tags: withTags({}, input.Tags, caller),
    description: input.Description ?? "",
    updatedAtMs: nowMs,
    versions: [{ id: FIRST, createdAtMs: nowMs }],
    defaultVersion: FIRST,
    lastVersion: 1,
    attachments: 0,
    boundaries: 0,
  };
}

async function checkNew(store: EntryStore, { id, name }: ManagedPolicyRecord): Promise<void> {
  const all = await store.listAccountEntries("iamPolicy");
  if (all.some((each) => each.id === id))
    throw alreadyThere(`A policy called ${name} already exists. Duplicate names are not allowed.`);
  if (all.length >= QUOTAS.policies) throw quotaExceeded("PoliciesPerAccount", QUOTAS.policies);
}

/** The known ones, and those besides that a role has. */
async function awsPolicies(store: EntryStore): Promise<readonly Policy[]> {
  const uses = new Map(AWS_POLICIES.map((arn) => [arn, 0]));
  for (const { attachedPolicies } of await store.listAccountEntries("iamRole"))
    for (const { arn } of attachedPolicies)
      if (readPolicyArn(arn).owner === AWS_OWNER) uses.set(arn, (uses.get(arn) ?? 0) + 1);
  return [...uses].map(([arn, attachments]) => presentAwsPolicy(arn, attachments));
}
