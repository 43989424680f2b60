/** Members of requests that are carried out. Any other is refused by name: nothing is taken and ignored. */
import { ServiceError } from "../../model/service-error.ts";

const API = ["Description", "Version", "CorsConfiguration", "DisableExecuteApiEndpoint", "Name"];
const ROUTE = ["ApiId", "RouteKey", "Target", "AuthorizationType", "OperationName"];
const INTEGRATION = ["ApiId", "IntegrationUri", "PayloadFormatVersion", "Description", "TimeoutInMillis"];
const STAGE = ["ApiId", "StageName", "Description", "AutoDeploy", "DeploymentId", "StageVariables"];

const HONOURED = {
  CreateApi: [...API, "ProtocolType", "RouteKey", "Target", "Tags"],
  UpdateApi: [...API, "ApiId"],
  CreateRoute: ROUTE,
  UpdateRoute: [...ROUTE, "RouteId"],
  CreateIntegration: INTEGRATION,
  UpdateIntegration: [...INTEGRATION, "IntegrationId"],
  CreateStage: [...STAGE, "Tags"],
  UpdateStage: STAGE,
  CreateDeployment: ["ApiId", "Description", "StageName"],
  UpdateDeployment: ["ApiId", "DeploymentId", "Description"],
} as const;

/** Values that say what is so anyway. AWS's tools send some of them always. */
const AS_IT_IS: Readonly<Record<string, readonly unknown[]>> = {
  RouteSelectionExpression: ["$request.method $request.path", "${request.method} ${request.path}"],
  ApiKeySelectionExpression: ["$request.header.x-api-key"],
  IpAddressType: ["ipv4"],
  ApiKeyRequired: [false],
  DisableSchemaValidation: [false],
  ConnectionType: ["INTERNET"],
  IntegrationMethod: ["POST"],
  IntegrationType: ["AWS_PROXY"],
};
const INSTEAD: Readonly<Record<string, string>> = {
  AuthorizerId: "Thaw has no authorizers: check the token in the function",
  AuthorizationScopes: "Thaw has no authorizers: check the token in the function",
  AccessLogSettings: "requests are in the server's own log and metrics",
  DefaultRouteSettings: "limit the function by its reserved concurrency",
  RouteSettings: "limit the function by its reserved concurrency",
  CredentialsArn: "there are no roles: give the permission with AddPermission of Lambda",
  IntegrationMethod: "functions are called by POST",
  IntegrationType: "only functions answer requests here (AWS_PROXY)",
  IntegrationSubtype: "only functions answer requests here",
  ConnectionType: "there is no VPC here",
  ConnectionId: "there is no VPC here",
};

/** Throws a BadRequestException where a request asks for something that would have no effect. */
export function checkHonoured(operation: keyof typeof HONOURED, input: object): void {
  const honoured: readonly string[] = HONOURED[operation];
  for (const [name, value] of Object.entries(input) as ReadonlyArray<[string, unknown]>) {
    if (honoured.includes(name) || AS_IT_IS[name]?.includes(value) === true || isEmpty(value)) continue;
    const instead = INSTEAD[name];
    throw badRequest(
      `${name} is not supported by Thaw${instead === undefined ? "" : `: ${instead}`}. Leave it out of ${operation}.`,
    );
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

export function badRequest(message: string): ServiceError {
  return new ServiceError("BadRequestException", message);
}
