/** All services other than Lambda that the listener serves. */
import { type AwsService, createService } from "./aws-service.ts";
import type { LogsContext } from "./logs/context.ts";
import { insteadOfLogs, LOGS, logsOperations } from "./logs/logs.ts";
import { insteadOfSts, STS, stsOperations } from "./sts/sts.ts";

export type AwsServicesParts = LogsContext;

/** Creates those of one account in one Region; each is found by the scope of its requests' signatures. */
export function createAwsServices(parts: AwsServicesParts): readonly AwsService[] {
  return [
    createService(STS, {
      name: "STS",
      operations: stsOperations(),
      instead: insteadOfSts,
      invalidCode: "ValidationException",
    }),
    createService(LOGS, {
      name: "CloudWatch Logs",
      operations: logsOperations(parts),
      instead: insteadOfLogs,
      invalidCode: "InvalidParameterException",
    }),
  ];
}
