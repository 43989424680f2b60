/** Records of HTTP APIs as the service's answers show them. */
import type { Api, Cors, Deployment, Integration, Route, Stage } from "@thaw/aws-api/apigatewayv2";
import type {
  HttpApiRecord,
  HttpDeploymentRecord,
  HttpIntegrationRecord,
  HttpRouteRecord,
  HttpStageRecord,
} from "../../model/http-api/record.ts";

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
    AuthorizationType: route.authorizationType,
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

export function presentStage(stage: HttpStageRecord): Stage {
  return {
    ...managed(stage),
    AutoDeploy: stage.isAutoDeployed,
    CreatedDate: new Date(stage.createdAtMs),
    DefaultRouteSettings: { DetailedMetricsEnabled: false },
    ...(stage.deploymentId === null ? {} : { DeploymentId: stage.deploymentId }),
    ...described(stage),
    LastUpdatedDate: new Date(stage.lastUpdatedMs),
    RouteSettings: {},
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
