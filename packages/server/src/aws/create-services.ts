/**
 * All services other than Lambda that the listener serves. Each is loaded by its first request: their models and
 * operations are a third of all that the server has, and few servers need more than one or two of them.
 */
import type { ServiceApi, TypesOf } from "@thaw/aws-api";
import type { Stacks } from "../ports/stacks.ts";
import {
  type AwsService,
  createService,
  type LoadedService,
  type ServiceOperations,
  serviceOnUse,
} from "./aws-service.ts";
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

type About = Parameters<typeof serviceOnUse>[0] & Pick<LoadedService, "name" | "invalidCode">;

interface OwnParts<T extends TypesOf<T>> {
  readonly api: ServiceApi<T>;
  readonly operations: ServiceOperations<T>;
  /** Absent: there is nothing to do instead of an operation that Thaw does not have. */
  readonly instead?: LoadedService["instead"];
}

function service<T extends TypesOf<T>>(
  { name, invalidCode, ...about }: About,
  load: () => Promise<OwnParts<T>>,
): AwsService {
  return serviceOnUse(about, async () => {
    const { api, operations, instead = () => "" } = await load();
    return createService(api, { name, operations, instead, invalidCode });
  });
}

/** Stacks and what they are made with. */
function settingServices(parts: AwsServicesParts): readonly AwsService[] {
  return [
    service({ scope: "cloudformation", name: "CloudFormation", invalidCode: "ValidationException" }, async () => {
      const { CLOUDFORMATION, cloudFormationOperations, insteadOfCloudFormation } = await import(
        "./cloudformation/cloudformation.ts"
      );
      return {
        api: CLOUDFORMATION,
        operations: cloudFormationOperations({ ...parts, stacks: await parts.loadStacks() }),
        instead: insteadOfCloudFormation,
      };
    }),
    service({ scope: "cloudcontrolapi", name: "Cloud Control", invalidCode: "InvalidRequestException" }, async () => {
      const { CLOUD_CONTROL, cloudControlOperations, insteadOfCloudControl } = await import(
        "./cloudcontrol/cloud-control.ts"
      );
      return { api: CLOUD_CONTROL, operations: cloudControlOperations(parts), instead: insteadOfCloudControl };
    }),
    service({ scope: "sts", name: "STS", invalidCode: "ValidationException" }, async () => {
      const { STS, stsOperations, insteadOfSts } = await import("./sts/sts.ts");
      return { api: STS, operations: stsOperations(parts), instead: insteadOfSts };
    }),
    service({ scope: "iam", name: "IAM", invalidCode: "ValidationException" }, async () => {
      const { IAM, iamOperations, insteadOfIam } = await import("./iam/iam.ts");
      return { api: IAM, operations: iamOperations(parts), instead: insteadOfIam };
    }),
    service({ scope: "ssm", name: "Systems Manager", invalidCode: "ValidationException" }, async () => {
      const { SSM, ssmOperations, insteadOfSsm } = await import("./ssm/ssm.ts");
      return { api: SSM, operations: ssmOperations(parts), instead: insteadOfSsm };
    }),
    service({ scope: "ecr", name: "ECR", invalidCode: "InvalidParameterException" }, async () => {
      const { ECR, ecrOperations, insteadOfEcr } = await import("./ecr/ecr.ts");
      return { api: ECR, operations: ecrOperations(parts), instead: insteadOfEcr };
    }),
  ];
}

function apiServices(parts: ApiParts): readonly AwsService[] {
  return [
    service(
      {
        scope: "apigateway",
        owns: (path) => !path.startsWith(V2),
        name: "API Gateway, version 1",
        invalidCode: "BadRequestException",
      },
      async () => {
        const { API_GATEWAY, restApiGatewayOperations, insteadOfRestApiGateway } = await import(
          "./apigateway/api-gateway.ts"
        );
        return { api: API_GATEWAY, operations: restApiGatewayOperations(parts), instead: insteadOfRestApiGateway };
      },
    ),
    service(
      {
        scope: "apigateway",
        owns: (path) => path.startsWith(V2),
        callName: "apigatewayv2",
        name: "API Gateway",
        invalidCode: "BadRequestException",
      },
      async () => {
        const { API_GATEWAY_V2, apiGatewayOperations, insteadOfApiGateway } = await import(
          "./apigatewayv2/api-gateway.ts"
        );
        return { api: API_GATEWAY_V2, operations: apiGatewayOperations(parts), instead: insteadOfApiGateway };
      },
    ),
  ];
}

function eventServices(parts: EventsParts & SchedulerParts & SchemasParts & LogsContext): readonly AwsService[] {
  return [
    service({ scope: "logs", name: "CloudWatch Logs", invalidCode: "InvalidParameterException" }, async () => {
      const { LOGS, logsOperations, insteadOfLogs } = await import("./logs/logs.ts");
      return { api: LOGS, operations: logsOperations(parts), instead: insteadOfLogs };
    }),
    service({ scope: "events", name: "EventBridge", invalidCode: "ValidationException" }, async () => {
      const { EVENTS, eventsOperations, insteadOfEvents } = await import("./events/events.ts");
      return { api: EVENTS, operations: eventsOperations(parts), instead: insteadOfEvents };
    }),
    service({ scope: "scheduler", name: "EventBridge Scheduler", invalidCode: "ValidationException" }, async () => {
      const { SCHEDULER, schedulerOperations } = await import("./scheduler/scheduler.ts");
      return { api: SCHEDULER, operations: schedulerOperations(parts) };
    }),
    service({ scope: "schemas", name: "EventBridge Schemas", invalidCode: "BadRequestException" }, async () => {
      const { SCHEMAS, schemasOperations, insteadOfSchemas } = await import("./schemas/schemas.ts");
      return { api: SCHEMAS, operations: schemasOperations(parts), instead: insteadOfSchemas };
    }),
  ];
}
