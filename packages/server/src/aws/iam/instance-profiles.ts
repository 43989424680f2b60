/** Instance profiles: there are no instances, but templates have them. */
import type { InstanceProfile, OperationTypes } from "@thaw/aws-api/iam";
import { entityId, type InstanceProfileRecord } from "../../model/iam/records.ts";
import type { EntryStore } from "../../ports/account-stores.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { alreadyThere, type Entities, inUse, noSuch, QUOTAS, quotaExceeded } from "./context.ts";
import { listPage } from "./pages.ts";
import { presentProfile } from "./present.ts";
import { putRole } from "./roles.ts";
import { showTags, withoutTags, withTags } from "./tags.ts";

type Tags = Readonly<Record<string, string>>;

export function instanceProfileOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return { ...profileOperations(entities), ...memberOperations(entities), ...profileTagOperations(entities) };
}

function profileOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    CreateInstanceProfile: ({ InstanceProfileName: name, Path = "/", Tags }, { caller }) =>
      entities.change(async (store) => {
        const profile: InstanceProfileRecord = {
          id: entityId(name),
          name,
          path: Path,
          uniqueId: entities.newId("AIPA"),
          createdAtMs: entities.nowMs,
          tags: withTags({}, Tags, caller),
          role: null,
        };
        const all = await store.listAccountEntries("iamInstanceProfile");
        if (all.some(({ id }) => id === profile.id)) throw alreadyThere(`Instance Profile ${name} already exists.`);
        if (all.length >= QUOTAS.instanceProfiles)
          throw quotaExceeded("InstanceProfilesPerAccount", QUOTAS.instanceProfiles);
        return {
          writes: [putProfile(profile, null)],
          result: { InstanceProfile: await show(entities, store, profile) },
        };
      }),
    async GetInstanceProfile({ InstanceProfileName }) {
      const store = await entities.own();
      return { InstanceProfile: await show(entities, store, await entities.findProfile(store, InstanceProfileName)) };
    },
    async ListInstanceProfiles({ PathPrefix = "/", ...wish }) {
      const store = await entities.own();
      const all = await store.listAccountEntries("iamInstanceProfile");
      const { items, rest } = listPage(
        all.filter(({ path }) => path.startsWith(PathPrefix)),
        ({ id }) => id,
        wish,
      );
      return { InstanceProfiles: await Promise.all(items.map((profile) => show(entities, store, profile))), ...rest };
    },
    async ListInstanceProfilesForRole({ RoleName, ...wish }) {
      const store = await entities.own();
      const { instanceProfiles } = await entities.findRole(store, RoleName);
      const { items, rest } = listPage(instanceProfiles, entityId, wish);
      const found = await Promise.all(items.map((name) => entities.findProfile(store, name)));
      return { InstanceProfiles: await Promise.all(found.map((profile) => show(entities, store, profile))), ...rest };
    },
    DeleteInstanceProfile: ({ InstanceProfileName }) =>
      entities.change(async (store) => {
        const record = await entities.findProfile(store, InstanceProfileName);
        if (record.role !== null) throw inUse("Cannot delete entity, must remove roles from instance profile first.");
        return { writes: [{ op: "remove", kind: "iamInstanceProfile", record }], result: {} };
      }),
  };
}

function memberOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    AddRoleToInstanceProfile: ({ InstanceProfileName, RoleName }) =>
      entities.change(async (store) => {
        const profile = await entities.findProfile(store, InstanceProfileName);
        const role = await entities.findOwnRole(store, RoleName);
        if (profile.role !== null) throw quotaExceeded("InstanceSessionsPerInstanceProfile", 1);
        const writes = [
          putProfile({ ...profile, role: role.name }, profile),
          putRole({ ...role, instanceProfiles: [...role.instanceProfiles, profile.name] }, role),
        ];
        return { writes, result: {} };
      }),
    RemoveRoleFromInstanceProfile: ({ InstanceProfileName, RoleName }) =>
      entities.change(async (store) => {
        const profile = await entities.findProfile(store, InstanceProfileName);
        const role = await entities.findRole(store, RoleName);
        if (profile.role !== role.name)
          throw noSuch(`Role ${RoleName} in Instance Profile ${InstanceProfileName} cannot be found.`);
        const instanceProfiles = role.instanceProfiles.filter((name) => name !== profile.name);
        const writes = [putProfile({ ...profile, role: null }, profile), putRole({ ...role, instanceProfiles }, role)];
        return { writes, result: {} };
      }),
  };
}

function profileTagOperations(entities: Entities): ServiceOperations<OperationTypes> {
  const changeTags = (name: string, edit: (tags: Tags) => Tags) =>
    entities.change(async (store) => {
      const over = await entities.findProfile(store, name);
      return { writes: [putProfile({ ...over, tags: edit(over.tags) }, over)], result: {} };
    });
  return {
    TagInstanceProfile: ({ InstanceProfileName, Tags }) =>
      changeTags(InstanceProfileName, (tags) => withTags(tags, Tags)),
    UntagInstanceProfile: ({ InstanceProfileName, TagKeys }) =>
      changeTags(InstanceProfileName, (tags) => withoutTags(tags, TagKeys)),
    async ListInstanceProfileTags({ InstanceProfileName, ...wish }) {
      const { tags } = await entities.findProfile(await entities.own(), InstanceProfileName);
      const { items, rest } = listPage(showTags(tags), ({ Key }) => Key, wish);
      return { Tags: items, ...rest };
    },
  };
}

async function show(entities: Entities, store: EntryStore, profile: InstanceProfileRecord): Promise<InstanceProfile> {
  const role = profile.role === null ? null : await store.getAccountEntry("iamRole", entityId(profile.role));
  return presentProfile(entities, profile, role);
}

function putProfile(record: InstanceProfileRecord, over: Stored<InstanceProfileRecord> | null): Write {
  return { op: "put", kind: "iamInstanceProfile", record, over };
}
