/** All services other than Lambda that the listener serves. */
import { API_GATEWAY_V2, apiGatewayOperations, insteadOfApiGateway } from "./apigatewayv2/api-gateway.ts";
import type { ApiParts } from "./apigatewayv2/stored-apis.ts";
import { type AwsService, createService } from "./aws-service.ts";
import { CLOUDFORMATION, cloudFormationOperations, insteadOfCloudFormation } from "./cloudformation/cloudformation.ts";
import type { LogsContext } from "./logs/context.ts";
import { insteadOfLogs, LOGS, logsOperations } from "./logs/logs.ts";
import { insteadOfSts, STS, stsOperations } from "./sts/sts.ts";

export type AwsServicesParts = LogsContext & ApiParts;

/** Creates those of one account in one Region; each is found by the scope of its requests' signatures. */
export function createAwsServices(parts: AwsServicesParts): readonly AwsService[] {
  return [
    createService(CLOUDFORMATION, {
      name: "CloudFormation",
      operations: cloudFormationOperations(),
      instead: insteadOfCloudFormation,
      invalidCode: "ValidationException",
    }),
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
    createService(API_GATEWAY_V2, {
      name: "API Gateway",
      operations: apiGatewayOperations(parts),
      instead: insteadOfApiGateway,
      invalidCode: "BadRequestException",
    }),
  ];
}
