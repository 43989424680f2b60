/** Members of requests that are carried out. Any other is refused by name: nothing is taken and ignored. */
import { checkMembers } from "../gateways/refusals.ts";

const API = [
  "name",
  "description",
  "version",
  "binaryMediaTypes",
  "endpointConfiguration",
  "disableExecuteApiEndpoint",
];
const PLACE = ["restApiId", "resourceId", "httpMethod"];
const METHOD = [
  "authorizationType",
  "authorizerId",
  "operationName",
  "requestParameters",
  "requestModels",
  "requestValidatorId",
];
const INTEGRATION = [
  "type",
  "uri",
  "integrationHttpMethod",
  "requestTemplates",
  "passthroughBehavior",
  "contentHandling",
  "cacheNamespace",
  "timeoutInMillis",
];
const RESPONSE = ["statusCode", "selectionPattern", "responseParameters", "responseTemplates", "contentHandling"];

const HONOURED = {
  CreateRestApi: [...API, "tags"],
  PutMethod: [...PLACE, ...METHOD],
  PutIntegration: [...PLACE, ...INTEGRATION],
  PutIntegrationResponse: [...PLACE, ...RESPONSE],
  CreateAuthorizer: [
    "restApiId",
    "name",
    "type",
    "authType",
    "authorizerUri",
    "identitySource",
    "authorizerResultTtlInSeconds",
  ],
  CreateStage: ["restApiId", "stageName", "deploymentId", "description", "variables", "tracingEnabled", "tags"],
  CreateDeployment: ["restApiId", "stageName", "stageDescription", "description", "variables", "tracingEnabled"],
} as const;

/** Values that say what is so anyway. AWS's tools send some of them always. */
const AS_IT_IS: Readonly<Record<string, readonly unknown[]>> = {
  apiKeySource: ["HEADER"],
  apiKeyRequired: [false],
  cacheClusterEnabled: [false],
  connectionType: ["INTERNET"],
  endpointAccessMode: ["BASIC"],
  responseTransferMode: ["BUFFERED"],
};

const CACHE = "there is no cache here";
const VTL = "there are no mapping templates: read the event in the function";
const INSTEAD: Readonly<Record<string, string>> = {
  apiKeyRequired: "there are no API keys: check the key in the function",
  apiKeySource: "there are no API keys: check the key in the function",
  authorizerCredentials: "there are no roles: give the permission with AddPermission of Lambda",
  identityValidationExpression: "check the token in the authorizer",
  providerARNs: "there is no Cognito here",
  authorizationScopes: "check the token's scopes in the function",
  cacheClusterEnabled: CACHE,
  cacheClusterSize: CACHE,
  cacheKeyParameters: CACHE,
  canarySettings: "give weights to an alias of the function",
  cloneFrom: "give the definition to ImportRestApi",
  connectionType: "there is no VPC here",
  connectionId: "there is no VPC here",
  credentials: "there are no roles: give the permission with AddPermission of Lambda",
  documentationVersion: "there are no documentation parts",
  minimumCompressionSize: "compress in the function, or in a reverse proxy",
  policy: "limit who comes in by a firewall or a reverse proxy, or ask for AWS_IAM",
  requestParameters: VTL,
  responseTransferMode: "use a function URL with InvokeMode RESPONSE_STREAM",
  webAclArn: "put a reverse proxy before the server",
};

export type HonouredOperation = keyof typeof HONOURED;

/** Throws a BadRequestException where a request asks for something that would have no effect. */
export function checkHonoured(operation: HonouredOperation, input: object): void {
  checkMembers({ honoured: HONOURED, asItIs: AS_IT_IS, instead: INSTEAD }, operation, input);
}
