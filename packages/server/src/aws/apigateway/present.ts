/** Records of REST APIs as the service's answers show them. */
import type {
  Authorizer,
  ContentHandlingStrategy,
  Deployment,
  GatewayResponse,
  GatewayResponseType,
  Integration,
  IntegrationResponse,
  Method,
  MethodResponse,
  Model,
  RequestValidator,
  Resource,
  RestApi,
  Stage,
} from "@thaw/aws-api/apigateway";
import { GATEWAY_RESPONSES, isGatewayResponseType } from "../../model/rest-api/gateway-responses.ts";
import { presentSettings } from "./method-settings.ts";
import type {
  RestApiRecord,
  RestAuthorizerRecord,
  RestDeploymentRecord,
  RestGatewayResponseRecord,
  RestIntegrationRecord,
  RestIntegrationResponseRecord,
  RestMethodRecord,
  RestMethodResponseRecord,
  RestModelRecord,
  RestResourceRecord,
  RestStageRecord,
  RestValidatorRecord,
} from "../../model/rest-api/record.ts";

export function presentApi(api: RestApiRecord): RestApi {
  return {
    id: api.id,
    name: api.name,
    ...given("description", api.description),
    createdDate: new Date(api.createdAtMs),
    ...given("version", api.version),
    ...unlessEmpty("binaryMediaTypes", api.binaryMediaTypes),
    apiKeySource: "HEADER",
    endpointConfiguration: { types: [api.endpointType], ipAddressType: "ipv4" },
    tags: api.tags,
    disableExecuteApiEndpoint: api.isEndpointDisabled,
    ...given("rootResourceId", api.resources[0]?.id ?? null),
  };
}

/** `isWhole`: with the methods themselves, not only their names. */
export function presentResource(
  { id, parentId, pathPart, path, methods }: RestResourceRecord,
  isWhole = false,
): Resource {
  const shown = Object.entries(methods).map(
    ([name, method]) => [name, isWhole ? presentMethod(name, method) : {}] as const,
  );
  return {
    id,
    ...(parentId === null ? {} : { parentId, pathPart }),
    path,
    ...(shown.length === 0 ? {} : { resourceMethods: Object.fromEntries(shown) }),
  };
}

export function presentMethod(httpMethod: string, method: RestMethodRecord): Method {
  return {
    httpMethod,
    authorizationType: method.authorizationType,
    ...given("authorizerId", method.authorizerId),
    apiKeyRequired: false,
    ...given("operationName", method.operationName),
    ...unlessEmpty("requestParameters", method.requestParameters),
    ...unlessEmpty("requestModels", method.requestModels),
    ...given("requestValidatorId", method.requestValidatorId ?? null),
    ...unlessEmpty("methodResponses", mapped(method.responses, presentMethodResponse)),
    ...(method.integration === null ? {} : { methodIntegration: presentIntegration(method.integration) }),
  };
}

export function presentMethodResponse(statusCode: string, response: RestMethodResponseRecord): MethodResponse {
  return {
    statusCode,
    ...unlessEmpty("responseParameters", response.responseParameters),
    ...unlessEmpty("responseModels", response.responseModels),
  };
}

export function presentIntegration(integration: RestIntegrationRecord): Integration {
  return {
    type: integration.type,
    ...given("httpMethod", integration.httpMethod),
    ...given("uri", integration.uri),
    ...unlessEmpty("requestTemplates", integration.requestTemplates),
    passthroughBehavior: integration.passthroughBehavior,
    ...given("contentHandling", integration.contentHandling as ContentHandlingStrategy | null),
    timeoutInMillis: integration.timeoutMs,
    cacheNamespace: integration.cacheNamespace,
    cacheKeyParameters: [],
    ...unlessEmpty("integrationResponses", mapped(integration.responses, presentIntegrationResponse)),
  };
}

export function presentIntegrationResponse(
  statusCode: string,
  response: RestIntegrationResponseRecord,
): IntegrationResponse {
  return {
    statusCode,
    ...given("selectionPattern", response.selectionPattern),
    ...unlessEmpty("responseParameters", response.responseParameters),
    ...unlessEmpty("responseTemplates", response.responseTemplates),
    ...given("contentHandling", response.contentHandling as ContentHandlingStrategy | null),
  };
}

export function presentAuthorizer(authorizer: RestAuthorizerRecord): Authorizer {
  const { id, name, type, uri, identitySources, ttlS, authType } = authorizer;
  return {
    id,
    name,
    type,
    ...given("authType", authType),
    authorizerUri: uri,
    ...given("identitySource", identitySources.length === 0 ? null : identitySources.join(",")),
    authorizerResultTtlInSeconds: ttlS,
  };
}

export function presentModel({ id, name, description, contentType, schema }: RestModelRecord): Model {
  return { id, name, ...given("description", description), contentType, ...given("schema", schema) };
}

export function presentValidator({
  id,
  name,
  isBodyChecked,
  areParametersChecked,
}: RestValidatorRecord): RequestValidator {
  return {
    id,
    ...given("name", name),
    validateRequestBody: isBodyChecked,
    validateRequestParameters: areParametersChecked,
  };
}

/** Without a record: as it is where nothing was put. */
export function presentGatewayResponse(type: string, response: RestGatewayResponseRecord | null): GatewayResponse {
  const own = isGatewayResponseType(type) ? GATEWAY_RESPONSES[type] : null;
  return {
    responseType: type as GatewayResponseType,
    ...given("statusCode", response?.statusCode ?? (own === null ? null : String(own))),
    responseParameters: response?.responseParameters ?? {},
    responseTemplates:
      response !== null && Object.keys(response.responseTemplates).length > 0
        ? response.responseTemplates
        : { "application/json": '{"message":$context.error.messageString}' },
    defaultResponse: response === null,
  };
}

export function presentStage(stage: RestStageRecord): Stage {
  return {
    deploymentId: stage.deploymentId,
    stageName: stage.name,
    ...given("description", stage.description),
    cacheClusterEnabled: false,
    cacheClusterStatus: "NOT_AVAILABLE",
    methodSettings: presentSettings(stage.methodSettings),
    ...given(
      "accessLogSettings",
      stage.accessLog === null
        ? null
        : { destinationArn: stage.accessLog.destinationArn, format: stage.accessLog.format },
    ),
    ...unlessEmpty("variables", stage.variables),
    tracingEnabled: stage.isTraced,
    tags: stage.tags,
    createdDate: new Date(stage.createdAtMs),
    lastUpdatedDate: new Date(stage.lastUpdatedMs),
  };
}

export function presentDeployment({ id, description, createdAtMs }: RestDeploymentRecord): Deployment {
  return { id, ...given("description", description), createdDate: new Date(createdAtMs) };
}

function given<K extends string, T>(name: K, value: T | null): { readonly [N in K]?: T } {
  return value === null ? {} : ({ [name]: value } as { readonly [N in K]: T });
}

function unlessEmpty<K extends string, T extends object>(name: K, value: T): { readonly [N in K]?: T } {
  return Object.keys(value).length === 0 ? {} : ({ [name]: value } as { readonly [N in K]: T });
}

function mapped<T, P>(map: Readonly<Record<string, T>>, present: (key: string, value: T) => P): Record<string, P> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, present(key, value)]));
}
