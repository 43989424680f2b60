/** Roles: made, shown, changed, removed. */
import type { OperationTypes } from "@thaw/aws-api/iam";
import { entityId, type RoleRecord } from "../../model/iam/records.ts";
import type { EntryStore } from "../../ports/account-stores.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { changeBoundaries } from "./attachments.ts";
import { alreadyThere, type Entities, inUse, QUOTAS, quotaExceeded } from "./context.ts";
import { checkTrustPolicy } from "./documents.ts";
import { listPage } from "./pages.ts";
import { presentRole, presentRoleWhole } from "./present.ts";
import { showTags, withoutTags, withTags } from "./tags.ts";

const HOUR_S = 3600;

export function roleOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return { ...ownRoleOperations(entities), ...roleTagOperations(entities) };
}

function ownRoleOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    CreateRole: (input, { caller }) =>
      entities.change(async (store) => {
        checkTrustPolicy(input.AssumeRolePolicyDocument);
        const role = {
          ...bareRole(entities, input.RoleName, input.AssumeRolePolicyDocument),
          path: input.Path ?? "/",
          description: input.Description ?? "",
          maxSessionS: input.MaxSessionDuration ?? HOUR_S,
          permissionsBoundary: input.PermissionsBoundary ?? null,
          tags: withTags({}, input.Tags, caller),
        };
        await checkNewRole(store, role);
        const bounded = await changeBoundaries(entities, store, null, role.permissionsBoundary);
        return { writes: [putRole(role, null), ...bounded], result: { Role: presentRoleWhole(entities, role) } };
      }),
    GetRole: async ({ RoleName }) => ({
      Role: presentRoleWhole(entities, await entities.findRole(await entities.own(), RoleName)),
    }),
    async ListRoles({ PathPrefix = "/", ...wish }) {
      const all = await (await entities.own()).listAccountEntries("iamRole");
      const wanted = all.filter(({ path }) => path.startsWith(PathPrefix));
      const { items, rest } = listPage(wanted, ({ id }) => id, wish);
      return { Roles: items.map((role) => presentRole(entities, role)), ...rest };
    },
    async UpdateRole({ RoleName, Description, MaxSessionDuration }) {
      await changeRole(entities, RoleName, (role) => ({
        ...role,
        description: Description ?? role.description,
        maxSessionS: MaxSessionDuration ?? role.maxSessionS,
      }));
      return {};
    },
    async UpdateRoleDescription({ RoleName, Description }) {
      return {
        Role: presentRoleWhole(
          entities,
          await changeRole(entities, RoleName, (role) => ({ ...role, description: Description })),
        ),
      };
    },
    async UpdateAssumeRolePolicy({ RoleName, PolicyDocument }) {
      checkTrustPolicy(PolicyDocument);
      await changeRole(entities, RoleName, (role) => ({ ...role, trustPolicy: PolicyDocument }));
      return {};
    },
    DeleteRole: ({ RoleName }) =>
      entities.change(async (store) => {
        const role = await entities.findOwnRole(store, RoleName);
        checkUnused(role);
        const bounded = await changeBoundaries(entities, store, role.permissionsBoundary, null);
        return { writes: [{ op: "remove", kind: "iamRole", record: role }, ...bounded], result: {} };
      }),
    PutRolePermissionsBoundary: ({ RoleName, PermissionsBoundary }) =>
      setBoundary(entities, RoleName, PermissionsBoundary),
    DeleteRolePermissionsBoundary: ({ RoleName }) => setBoundary(entities, RoleName, null),
  };
}

function roleTagOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    async TagRole({ RoleName, Tags }, { caller }) {
      await changeRole(entities, RoleName, (role) => ({ ...role, tags: withTags(role.tags, Tags, caller) }));
      return {};
    },
    async UntagRole({ RoleName, TagKeys }) {
      await changeRole(entities, RoleName, (role) => ({ ...role, tags: withoutTags(role.tags, TagKeys) }));
      return {};
    },
    async ListRoleTags({ RoleName, ...wish }) {
      const { tags } = await entities.findRole(await entities.own(), RoleName);
      const { items, rest } = listPage(showTags(tags), ({ Key }) => Key, wish);
      return { Tags: items, ...rest };
    },
  };
}

/** Changes a role; `edit` gives the role as it is to be. */
function changeRole(entities: Entities, name: string, edit: (role: RoleRecord) => RoleRecord): Promise<RoleRecord> {
  return entities.change(async (store) => {
    const over = await entities.findOwnRole(store, name);
    const record = edit(over);
    return { writes: [putRole(record, over)], result: record };
  });
}

/** Makes a role that has nothing yet. */
export function bareRole(entities: Entities, name: string, trustPolicy: string): RoleRecord {
  return {
    id: entityId(name),
    name,
    path: "/",
    uniqueId: entities.newId("AROA"),
    createdAtMs: entities.nowMs,
    tags: {},
    trustPolicy,
    description: "",
    maxSessionS: HOUR_S,
    permissionsBoundary: null,
    inlinePolicies: {},
    attachedPolicies: [],
    instanceProfiles: [],
    linkedTo: null,
  };
}

export async function checkNewRole(store: EntryStore, { id, name }: RoleRecord): Promise<void> {
  const all = await store.listAccountEntries("iamRole");
  if (all.some((each) => each.id === id)) throw alreadyThere(`Role with name ${name} already exists.`);
  if (all.length >= QUOTAS.roles) throw quotaExceeded("RolesPerAccount", QUOTAS.roles);
}

export function putRole(record: RoleRecord, over: Stored<RoleRecord> | null): Write {
  return { op: "put", kind: "iamRole", record, over };
}

function checkUnused({ instanceProfiles, attachedPolicies, inlinePolicies }: RoleRecord): void {
  if (instanceProfiles.length > 0) throw inUse("Cannot delete entity, must remove roles from instance profile first.");
  if (attachedPolicies.length > 0) throw inUse("Cannot delete entity, must detach all policies first.");
  if (Object.keys(inlinePolicies).length > 0) throw inUse("Cannot delete entity, must delete policies first.");
}

function setBoundary(entities: Entities, name: string, arn: string | null): Promise<Record<string, never>> {
  return entities.change(async (store) => {
    const over = await entities.findOwnRole(store, name);
    const bounded = await changeBoundaries(entities, store, over.permissionsBoundary, arn);
    return { writes: [putRole({ ...over, permissionsBoundary: arn }, over), ...bounded], result: {} };
  });
}
