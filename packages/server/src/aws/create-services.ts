/**
 * All services other than Lambda that the listener serves. Each is loaded by its first request: their models and
 * operations are a third of all that the server has, and few servers need more than one or two of them.
 */
import type { Stacks } from "../ports/stacks.ts";
import { type AwsService, createService, serviceOnUse } from "./aws-service.ts";
import type { CloudControlParts } from "./cloudcontrol/cloud-control.ts";
import type { CloudFormationParts } from "./cloudformation/cloudformation.ts";
import type { EcrParts } from "./ecr/ecr.ts";
import type { EventsParts } from "./events/stored-events.ts";
import type { ApiParts } from "./gateways/api-documents.ts";
import type { IamParts } from "./iam/iam.ts";
import type { LogsContext } from "./logs/context.ts";
import type { SchedulerParts } from "./scheduler/stored-schedules.ts";
import type { SchemasParts } from "./schemas/schemas.ts";
import type { SsmParts } from "./ssm/ssm.ts";
import type { StsParts } from "./sts/sts.ts";

/** Both versions of API Gateway have the same scope. */
const V2 = "/v2/";

export type AwsServicesParts = EventsParts &
  SchedulerParts &
  SchemasParts &
  CloudControlParts &
  LogsContext &
  ApiParts &
  StsParts &
  IamParts &
  SsmParts &
  EcrParts &
  Omit<CloudFormationParts, "stacks"> & { readonly loadStacks: () => Promise<Stacks> };

/** Creates those of one account in one Region; each is found by the scope of its requests' signatures. */
export function createAwsServices(parts: AwsServicesParts): readonly AwsService[] {
  return [...settingServices(parts), ...apiServices(parts), ...eventServices(parts)];
}

/** Stacks and what they are made with. */
function settingServices(parts: AwsServicesParts): readonly AwsService[] {
  return [
    serviceOnUse({ scope: "cloudformation" }, async () => {
      const { CLOUDFORMATION, cloudFormationOperations, insteadOfCloudFormation } = await import(
        "./cloudformation/cloudformation.ts"
      );
      return createService(CLOUDFORMATION, {
        name: "CloudFormation",
        operations: cloudFormationOperations({ ...parts, stacks: await parts.loadStacks() }),
        instead: insteadOfCloudFormation,
        invalidCode: "ValidationException",
      });
    }),
    serviceOnUse({ scope: "cloudcontrolapi" }, async () => {
      const { CLOUD_CONTROL, cloudControlOperations, insteadOfCloudControl } = await import(
        "./cloudcontrol/cloud-control.ts"
      );
      return createService(CLOUD_CONTROL, {
        name: "Cloud Control",
        operations: cloudControlOperations(parts),
        instead: insteadOfCloudControl,
        invalidCode: "InvalidRequestException",
      });
    }),
    serviceOnUse({ scope: "sts" }, async () => {
      const { STS, stsOperations, insteadOfSts } = await import("./sts/sts.ts");
      return createService(STS, {
        name: "STS",
        operations: stsOperations(parts),
        instead: insteadOfSts,
        invalidCode: "ValidationException",
      });
    }),
    serviceOnUse({ scope: "iam" }, async () => {
      const { IAM, iamOperations, insteadOfIam } = await import("./iam/iam.ts");
      return createService(IAM, {
        name: "IAM",
        operations: iamOperations(parts),
        instead: insteadOfIam,
        invalidCode: "ValidationException",
      });
    }),
    serviceOnUse({ scope: "ssm" }, async () => {
      const { SSM, ssmOperations, insteadOfSsm } = await import("./ssm/ssm.ts");
      return createService(SSM, {
        name: "Systems Manager",
        operations: ssmOperations(parts),
        instead: insteadOfSsm,
        invalidCode: "ValidationException",
      });
    }),
    serviceOnUse({ scope: "ecr" }, async () => {
      const { ECR, ecrOperations, insteadOfEcr } = await import("./ecr/ecr.ts");
      return createService(ECR, {
        name: "ECR",
        operations: ecrOperations(parts),
        instead: insteadOfEcr,
        invalidCode: "InvalidParameterException",
      });
    }),
  ];
}

function apiServices(parts: ApiParts): readonly AwsService[] {
  return [
    serviceOnUse({ scope: "apigateway", owns: (path) => !path.startsWith(V2) }, async () => {
      const { API_GATEWAY, restApiGatewayOperations, insteadOfRestApiGateway } = await import(
        "./apigateway/api-gateway.ts"
      );
      return createService(API_GATEWAY, {
        name: "API Gateway, version 1",
        operations: restApiGatewayOperations(parts),
        instead: insteadOfRestApiGateway,
        invalidCode: "BadRequestException",
      });
    }),
    serviceOnUse({ scope: "apigateway", owns: (path) => path.startsWith(V2), callName: "apigatewayv2" }, async () => {
      const { API_GATEWAY_V2, apiGatewayOperations, insteadOfApiGateway } = await import(
        "./apigatewayv2/api-gateway.ts"
      );
      return createService(API_GATEWAY_V2, {
        name: "API Gateway",
        operations: apiGatewayOperations(parts),
        instead: insteadOfApiGateway,
        invalidCode: "BadRequestException",
      });
    }),
  ];
}

function eventServices(parts: EventsParts & SchedulerParts & SchemasParts & LogsContext): readonly AwsService[] {
  return [
    serviceOnUse({ scope: "logs" }, async () => {
      const { LOGS, logsOperations, insteadOfLogs } = await import("./logs/logs.ts");
      return createService(LOGS, {
        name: "CloudWatch Logs",
        operations: logsOperations(parts),
        instead: insteadOfLogs,
        invalidCode: "InvalidParameterException",
      });
    }),
    serviceOnUse({ scope: "events" }, async () => {
      const { EVENTS, eventsOperations, insteadOfEvents } = await import("./events/events.ts");
      return createService(EVENTS, {
        name: "EventBridge",
        operations: eventsOperations(parts),
        instead: insteadOfEvents,
        invalidCode: "ValidationException",
      });
    }),
    serviceOnUse({ scope: "scheduler" }, async () => {
      const { SCHEDULER, schedulerOperations } = await import("./scheduler/scheduler.ts");
      return createService(SCHEDULER, {
        name: "EventBridge Scheduler",
        operations: schedulerOperations(parts),
        instead: () => "",
        invalidCode: "ValidationException",
      });
    }),
    serviceOnUse({ scope: "schemas" }, async () => {
      const { SCHEMAS, schemasOperations, insteadOfSchemas } = await import("./schemas/schemas.ts");
      return createService(SCHEMAS, {
        name: "EventBridge Schemas",
        operations: schemasOperations(parts),
        instead: insteadOfSchemas,
        invalidCode: "BadRequestException",
      });
    }),
  ];
}
