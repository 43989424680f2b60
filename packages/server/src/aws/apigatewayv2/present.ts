/** Records of HTTP APIs as the service's answers show them. */
import type { Api, Authorizer, Cors, Deployment, Integration, Route, Stage } from "@thaw/aws-api/apigatewayv2";
import type {
  HttpApiRecord,
  HttpAuthorizerRecord,
  HttpDeploymentRecord,
  HttpIntegrationRecord,
  HttpRouteRecord,
  HttpStageRecord,
} from "../../model/http-api/record.ts";
import { presentSettings } from "./route-settings.ts";

export function presentApi(api: HttpApiRecord, endpoint: string): Api {
  return {
    // As AWS shows it: without the slash at the end.
    ApiEndpoint: endpoint.replace(/\/$/, ""),
    ApiId: api.id,
    ApiKeySelectionExpression: "$request.header.x-api-key",
    ...(api.cors === null ? {} : { CorsConfiguration: api.cors as Cors }),
    CreatedDate: new Date(api.createdAtMs),
    ...described(api),
    DisableExecuteApiEndpoint: api.isEndpointDisabled,
    IpAddressType: "ipv4",
    Name: api.name,
    ProtocolType: "HTTP",
    RouteSelectionExpression: "$request.method $request.path",
    Tags: api.tags,
    ...(api.version === null ? {} : { Version: api.version }),
  };
}

export function presentRoute(route: HttpRouteRecord): Route {
  return {
    ...managed(route),
    ApiKeyRequired: false,
    ...(route.scopes.length === 0 ? {} : { AuthorizationScopes: [...route.scopes] }),
    AuthorizationType: route.authorizationType,
    ...(route.authorizerId === null ? {} : { AuthorizerId: route.authorizerId }),
    ...(route.operationName === null ? {} : { OperationName: route.operationName }),
    RouteId: route.id,
    RouteKey: route.key,
    ...(route.integrationId === null ? {} : { Target: `integrations/${route.integrationId}` }),
  };
}

export function presentIntegration(integration: HttpIntegrationRecord): Integration {
  return {
    ...managed(integration),
    ConnectionType: "INTERNET",
    ...described(integration),
    IntegrationId: integration.id,
    IntegrationMethod: "POST",
    IntegrationType: "AWS_PROXY",
    IntegrationUri: integration.uri,
    PayloadFormatVersion: integration.payloadFormatVersion,
    TimeoutInMillis: integration.timeoutMs,
  };
}

export function presentAuthorizer(authorizer: HttpAuthorizerRecord): Authorizer {
  return {
    AuthorizerId: authorizer.id,
    AuthorizerType: authorizer.type,
    IdentitySource: [...authorizer.identitySources],
    Name: authorizer.name,
    ...(authorizer.type === "JWT"
      ? { JwtConfiguration: { Audience: [...authorizer.audience], Issuer: authorizer.issuer } }
      : {
          AuthorizerPayloadFormatVersion: authorizer.payloadFormatVersion,
          AuthorizerResultTtlInSeconds: authorizer.ttlS,
          AuthorizerUri: authorizer.uri,
          EnableSimpleResponses: authorizer.isSimple,
        }),
  };
}

export function presentStage(stage: HttpStageRecord): Stage {
  return {
    ...managed(stage),
    ...(stage.accessLog === null
      ? {}
      : { AccessLogSettings: { DestinationArn: stage.accessLog.destinationArn, Format: stage.accessLog.format } }),
    AutoDeploy: stage.isAutoDeployed,
    CreatedDate: new Date(stage.createdAtMs),
    DefaultRouteSettings: presentSettings(stage.routeDefaults),
    ...(stage.deploymentId === null ? {} : { DeploymentId: stage.deploymentId }),
    ...described(stage),
    LastUpdatedDate: new Date(stage.lastUpdatedMs),
    RouteSettings: Object.fromEntries(
      Object.entries(stage.routeSettings).map(([key, settings]) => [key, presentSettings(settings)]),
    ),
    StageName: stage.name,
    StageVariables: stage.variables,
    Tags: stage.tags,
  };
}

export function presentDeployment(deployment: HttpDeploymentRecord): Deployment {
  return {
    AutoDeployed: deployment.isAutomatic,
    CreatedDate: new Date(deployment.createdAtMs),
    DeploymentId: deployment.id,
    DeploymentStatus: "DEPLOYED",
    ...described(deployment),
  };
}

function described({ description }: { readonly description: string | null }): { readonly Description?: string } {
  return description === null ? {} : { Description: description };
}

function managed({ isManaged }: { readonly isManaged: boolean }): { readonly ApiGatewayManaged?: boolean } {
  return isManaged ? { ApiGatewayManaged: true } : {};
}
