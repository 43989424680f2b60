/** Versions of the managed policies that an account makes. */
import type { OperationTypes } from "@thaw/aws-api/iam";
import { type ManagedPolicyRecord, policyDocumentId, type PolicyVersionInfo } from "../../model/iam/records.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { AWS_OWNER } from "./attachments.ts";
import { type Entities, inUse, limitExceeded, noSuch, QUOTAS, readPolicyArn } from "./context.ts";
import { checkManagedPolicy } from "./documents.ts";
import { listPage } from "./pages.ts";
import { putDocument, putPolicy, removalOf } from "./policies.ts";
import { presentVersion } from "./present.ts";

export function policyVersionOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    CreatePolicyVersion: ({ PolicyArn, PolicyDocument, SetAsDefault = false }) =>
      entities.change(async (store) => {
        checkManagedPolicy(PolicyDocument);
        const over = await entities.findPolicy(store, PolicyArn);
        if (over.versions.length >= QUOTAS.versions)
          throw limitExceeded(
            `A managed policy can have up to ${QUOTAS.versions} versions. Before you create a new version, ` +
              "you must delete an existing version.",
          );
        const version = { id: `v${over.lastVersion + 1}`, createdAtMs: entities.nowMs };
        const policy: ManagedPolicyRecord = {
          ...over,
          versions: [...over.versions, version],
          lastVersion: over.lastVersion + 1,
          ...(SetAsDefault ? { defaultVersion: version.id, updatedAtMs: version.createdAtMs } : {}),
        };
        const writes = [putPolicy(policy, over), putDocument(policy, version.id, PolicyDocument)];
        return { writes, result: { PolicyVersion: presentVersion(policy, version, null) } };
      }),
    async GetPolicyVersion({ PolicyArn, VersionId }) {
      if (readPolicyArn(PolicyArn).owner === AWS_OWNER)
        throw noSuch(`Thaw has the names of AWS's own policies and not what they say, so not ${PolicyArn}.`);
      const store = await entities.own();
      const policy = await entities.findPolicy(store, PolicyArn);
      const version = findVersion(policy, PolicyArn, VersionId);
      const kept = await store.getAccountEntry("iamPolicyDocument", policyDocumentId(policy, version.id));
      return { PolicyVersion: presentVersion(policy, version, kept?.document ?? "") };
    },
    async ListPolicyVersions({ PolicyArn, ...wish }) {
      const policy = await entities.findPolicy(await entities.own(), PolicyArn);
      // The newest first: a policy has so few versions ever that four digits order them.
      const orderOf = ({ id }: PolicyVersionInfo): string => String(1e9 - Number(id.slice(1))).padStart(10, "0");
      const { items, rest } = listPage(policy.versions, orderOf, wish);
      return { Versions: items.map((version) => presentVersion(policy, version, null)), ...rest };
    },
    SetDefaultPolicyVersion: ({ PolicyArn, VersionId }) =>
      entities.change(async (store) => {
        const over = await entities.findPolicy(store, PolicyArn);
        const { id } = findVersion(over, PolicyArn, VersionId);
        const policy = { ...over, defaultVersion: id, updatedAtMs: entities.nowMs };
        return { writes: [putPolicy(policy, over)], result: {} };
      }),
    DeletePolicyVersion: ({ PolicyArn, VersionId }) =>
      entities.change(async (store) => {
        const over = await entities.findPolicy(store, PolicyArn);
        const { id } = findVersion(over, PolicyArn, VersionId);
        if (id === over.defaultVersion) throw inUse("Cannot delete the default version of a policy.");
        const policy = { ...over, versions: over.versions.filter((version) => version.id !== id) };
        return { writes: [putPolicy(policy, over), ...(await removalOf(store, over, id))], result: {} };
      }),
  };
}

function findVersion({ versions }: ManagedPolicyRecord, arn: string, wanted: string): PolicyVersionInfo {
  const found = versions.find(({ id }) => id === wanted);
  if (found === undefined) throw noSuch(`Policy ${arn} version ${wanted} does not exist or is not attachable.`);
  return found;
}
