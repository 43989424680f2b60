/** Policies of roles: written into the role, and attached to it. */
import type { OperationTypes } from "@thaw/aws-api/iam";
import type { RoleRecord } from "../../model/iam/records.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { count } from "./attachments.ts";
import { type Entities, limitExceeded, noSuch, QUOTAS, quotaExceeded, readPolicyArn } from "./context.ts";
import { checkIdentityPolicy, INLINE_LENGTH_MAX, lengthOf } from "./documents.ts";
import { listPage } from "./pages.ts";
import { encodeDocument } from "./present.ts";
import { putRole } from "./roles.ts";

export function rolePolicyOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return { ...inlineOperations(entities), ...attachedOperations(entities) };
}

function inlineOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    PutRolePolicy: ({ RoleName, PolicyName, PolicyDocument }) =>
      entities.change(async (store) => {
        checkIdentityPolicy(PolicyDocument);
        const over = await entities.findOwnRole(store, RoleName);
        const inlinePolicies = { ...over.inlinePolicies, [PolicyName]: PolicyDocument };
        const length = Object.values(inlinePolicies).reduce((sum, each) => sum + lengthOf(each), 0);
        if (length > INLINE_LENGTH_MAX)
          throw limitExceeded(`Maximum policy size of ${INLINE_LENGTH_MAX} bytes exceeded for role ${over.name}`);
        return { writes: [putRole({ ...over, inlinePolicies }, over)], result: {} };
      }),
    async GetRolePolicy({ RoleName, PolicyName }) {
      const { name, inlinePolicies } = await entities.findRole(await entities.own(), RoleName);
      const document = findInline(inlinePolicies, PolicyName);
      return { RoleName: name, PolicyName, PolicyDocument: encodeDocument(document) };
    },
    async ListRolePolicies({ RoleName, ...wish }) {
      const { inlinePolicies } = await entities.findRole(await entities.own(), RoleName);
      const { items, rest } = listPage(Object.keys(inlinePolicies), (name) => name, wish);
      return { PolicyNames: items, ...rest };
    },
    DeleteRolePolicy: ({ RoleName, PolicyName }) =>
      entities.change(async (store) => {
        const over = await entities.findOwnRole(store, RoleName);
        findInline(over.inlinePolicies, PolicyName);
        const kept = Object.entries(over.inlinePolicies).filter(([name]) => name !== PolicyName);
        return { writes: [putRole({ ...over, inlinePolicies: Object.fromEntries(kept) }, over)], result: {} };
      }),
  };
}

function attachedOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    AttachRolePolicy: ({ RoleName, PolicyArn }) =>
      entities.change(async (store) => {
        const over = await entities.findOwnRole(store, RoleName);
        if (isAttached(over, PolicyArn)) return { writes: [], result: {} };
        const counted = await count(entities, store, PolicyArn, "attachments", 1);
        if (over.attachedPolicies.length >= QUOTAS.policiesOfRole)
          throw quotaExceeded("PoliciesPerRole", QUOTAS.policiesOfRole);
        const attached = { name: readPolicyArn(PolicyArn).name, arn: PolicyArn };
        const role = { ...over, attachedPolicies: [...over.attachedPolicies, attached] };
        return { writes: [putRole(role, over), ...counted], result: {} };
      }),
    DetachRolePolicy: ({ RoleName, PolicyArn }) =>
      entities.change(async (store) => {
        const over = await entities.findOwnRole(store, RoleName);
        if (!isAttached(over, PolicyArn)) throw noSuch(`Policy ${PolicyArn} was not found.`);
        const counted = await count(entities, store, PolicyArn, "attachments", -1);
        const attachedPolicies = over.attachedPolicies.filter(({ arn }) => arn !== PolicyArn);
        return { writes: [putRole({ ...over, attachedPolicies }, over), ...counted], result: {} };
      }),
    async ListAttachedRolePolicies({ RoleName, PathPrefix = "/", ...wish }) {
      const { attachedPolicies } = await entities.findRole(await entities.own(), RoleName);
      const wanted = attachedPolicies.filter(({ arn }) => readPolicyArn(arn).path.startsWith(PathPrefix));
      const { items, rest } = listPage(wanted, ({ arn }) => arn, wish);
      return { AttachedPolicies: items.map(({ name, arn }) => ({ PolicyName: name, PolicyArn: arn })), ...rest };
    },
  };
}

function isAttached({ attachedPolicies }: RoleRecord, wanted: string): boolean {
  return attachedPolicies.some(({ arn }) => arn === wanted);
}

function findInline(policies: RoleRecord["inlinePolicies"], name: string): string {
  const document = Object.hasOwn(policies, name) ? policies[name] : undefined;
  if (document === undefined) throw noSuch(`The role policy with name ${name} cannot be found.`);
  return document;
}
