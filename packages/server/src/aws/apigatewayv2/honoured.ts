/** Members of requests that are carried out. Any other is refused by name: nothing is taken and ignored. */
import { checkMembers } from "../gateways/refusals.ts";

const API = ["Description", "Version", "CorsConfiguration", "DisableExecuteApiEndpoint", "Name"];
const ROUTE = [
  "ApiId",
  "RouteKey",
  "Target",
  "AuthorizationType",
  "AuthorizerId",
  "AuthorizationScopes",
  "OperationName",
];
const AUTHORIZER = [
  "ApiId",
  "Name",
  "AuthorizerType",
  "IdentitySource",
  "JwtConfiguration",
  "AuthorizerUri",
  "AuthorizerPayloadFormatVersion",
  "AuthorizerResultTtlInSeconds",
  "EnableSimpleResponses",
];
const INTEGRATION = ["ApiId", "IntegrationUri", "PayloadFormatVersion", "Description", "TimeoutInMillis"];
const STAGE = [
  "ApiId",
  "StageName",
  "Description",
  "AutoDeploy",
  "DeploymentId",
  "StageVariables",
  "AccessLogSettings",
  "DefaultRouteSettings",
  "RouteSettings",
];

const HONOURED = {
  CreateApi: [...API, "ProtocolType", "RouteKey", "Target", "Tags"],
  UpdateApi: [...API, "ApiId"],
  CreateRoute: ROUTE,
  UpdateRoute: [...ROUTE, "RouteId"],
  CreateIntegration: INTEGRATION,
  UpdateIntegration: [...INTEGRATION, "IntegrationId"],
  CreateAuthorizer: AUTHORIZER,
  UpdateAuthorizer: [...AUTHORIZER, "AuthorizerId"],
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
  AuthorizerCredentialsArn: "there are no roles: give the permission with AddPermission of Lambda",
  CredentialsArn: "there are no roles: give the permission with AddPermission of Lambda",
  IntegrationMethod: "functions are called by POST",
  IntegrationType: "only functions answer requests here (AWS_PROXY)",
  IntegrationSubtype: "only functions answer requests here",
  ConnectionType: "there is no VPC here",
  ConnectionId: "there is no VPC here",
};

/** Throws a BadRequestException where a request asks for something that would have no effect. */
export function checkHonoured(operation: keyof typeof HONOURED, input: object): void {
  checkMembers({ honoured: HONOURED, asItIs: AS_IT_IS, instead: INSTEAD }, operation, input);
}
