/**
 * IAM, recorded: roles, policies and instance profiles are kept and shown as AWS does it, and nothing follows from
 * them, but that other accounts assume a role whose trust policy names them. There are no users and no groups.
 */
import { IAM, type OperationTypes } from "@thaw/aws-api/iam";
import { PROGRAM } from "@thaw/installation";
import { rootArn } from "../../model/caller.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { Entities, type IamParts, noSuch } from "./context.ts";
import { instanceProfileOperations } from "./instance-profiles.ts";
import { policyOperations } from "./policies.ts";
import { policyVersionOperations } from "./policy-versions.ts";
import { rolePolicyOperations } from "./role-policies.ts";
import { roleOperations } from "./roles.ts";
import { serviceLinkedOperations } from "./service-linked.ts";

export { IAM };
export type { IamParts };

export function iamOperations(parts: IamParts): ServiceOperations<OperationTypes> {
  const entities = new Entities(parts);
  return {
    ...roleOperations(entities),
    ...rolePolicyOperations(entities),
    ...policyOperations(entities),
    ...policyVersionOperations(entities),
    ...instanceProfileOperations(entities),
    ...serviceLinkedOperations(entities),
    ...peopleOperations(),
  };
}

/** There is nobody but the account itself. */
function peopleOperations(): ServiceOperations<OperationTypes> {
  const none = { IsTruncated: false };
  return {
    GetUser({ UserName }, { caller }) {
      if (UserName !== undefined) throw noSuch(`The user with name ${UserName} cannot be found.`);
      const { accountId } = caller;
      const root = { Path: "/", UserName: "root", UserId: accountId, Arn: rootArn(accountId) };
      return { User: { ...root, CreateDate: new Date(0) } };
    },
    ListUsers: () => ({ Users: [], ...none }),
    ListGroups: () => ({ Groups: [], ...none }),
    ListAccountAliases: () => ({ AccountAliases: [], ...none }),
    ListOpenIDConnectProviders: () => ({ OpenIDConnectProviderList: [] }),
    ListSAMLProviders: () => ({ SAMLProviderList: [] }),
  };
}

export function insteadOfIam(operation: string): string {
  if (/User|Group|AccessKey|LoginProfile|MFA|SSH|Password/.test(operation))
    return `There are no users: access keys belong to accounts ('${PROGRAM} accounts').`;
  return "Thaw keeps roles, policies and instance profiles, and does nothing by them.";
}
