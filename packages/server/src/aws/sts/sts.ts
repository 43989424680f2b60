/** STS, as far as clients ask who they are: there is one principal, the owner of the installation's access key. */
import { STS, type OperationTypes } from "@thaw/aws-api/sts";
import type { AccountScope } from "../../model/function-name.ts";
import type { ServiceOperations } from "../aws-service.ts";

export { STS };

/** AWS answers alike where the keys are those of the account itself. */
export function stsOperations({ accountId }: AccountScope): ServiceOperations<OperationTypes> {
  return {
    GetCallerIdentity: () => ({ UserId: accountId, Account: accountId, Arn: `arn:aws:iam::${accountId}:root` }),
  };
}

const NO_ROLES = "There are no roles, sessions or users: use the access key of 'thaw env' itself.";

export function insteadOfSts(): string {
  return NO_ROLES;
}
