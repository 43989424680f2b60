/** STS, as far as clients ask who they are: an account, or a function of one. */
import { STS, type OperationTypes } from "@thaw/aws-api/sts";
import type { ServiceOperations } from "../aws-service.ts";

export { STS };

/** AWS answers alike where the keys are those of the account itself, or of a function's role. */
export function stsOperations(): ServiceOperations<OperationTypes> {
  return {
    GetCallerIdentity: (_input, { caller }) => ({
      UserId: caller.userId,
      Account: caller.accountId,
      Arn: caller.principalArn,
    }),
  };
}

const NO_ROLES = "There are no roles, sessions or users: use the access key of 'thaw env' itself.";

export function insteadOfSts(): string {
  return NO_ROLES;
}
