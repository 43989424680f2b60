/** Settings of the account. The role is kept for tools that set one: no role is needed to write logs here. */
import type { Account, OperationTypes } from "@thaw/aws-api/apigateway";
import { GATEWAY_ACCOUNT, type GatewayAccountRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest } from "../gateways/refusals.ts";
import type { ApiParts } from "../gateways/api-documents.ts";
import { patched } from "./patches.ts";

const ROLE = /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

export function accountOperations({ store }: ApiParts): ServiceOperations<OperationTypes> {
  const find = () => store.getAccountEntry("gatewayAccount", GATEWAY_ACCOUNT);
  return {
    async GetAccount() {
      return present(await find());
    },
    async UpdateAccount({ patchOperations }) {
      const over = await find();
      const form = patched(present(over), patchOperations, { "/cloudwatchRoleArn": "text" });
      const { cloudwatchRoleArn: role = "" } = form;
      if (role !== "" && !ROLE.test(role)) throw badRequest("The role ARN is not well formed");
      const record: GatewayAccountRecord = { id: GATEWAY_ACCOUNT, cloudwatchRoleArn: role === "" ? null : role };
      if ((await store.commit([{ op: "put", kind: "gatewayAccount", record, over }])) === "changed")
        throw badRequest("The account's settings were changed by somebody else at the same time. Try again.");
      return present(record);
    },
  };
}

function present(account: GatewayAccountRecord | null): Account {
  const role = account?.cloudwatchRoleArn ?? null;
  return { ...(role === null ? {} : { cloudwatchRoleArn: role }), features: [], apiKeyVersion: "4" };
}
