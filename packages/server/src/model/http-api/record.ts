/** Stored records of HTTP APIs (API Gateway, version 2). An API is one document: its parts refer to one another. */
import type { AccessLogRecord } from "../gateways/access-log.ts";
import type { RateLimits } from "../gateways/rate-limits.ts";
import type { UrlCors } from "../url-cors.ts";

export const DEFAULT_STAGE = "$default";
export const DEFAULT_ROUTE = "$default";

export interface HttpApiRecord {
  /** First label of its host name. */
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly version: string | null;
  /** Null: answers have what the functions say. */
  readonly cors: UrlCors | null;
  readonly isEndpointDisabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly routes: readonly HttpRouteRecord[];
  readonly integrations: readonly HttpIntegrationRecord[];
  readonly authorizers: readonly HttpAuthorizerRecord[];
  readonly stages: readonly HttpStageRecord[];
  readonly deployments: readonly HttpDeploymentRecord[];
}

export interface HttpRouteRecord {
  readonly id: string;
  /** `METHOD /path`, `ANY /path` or `$default`. */
  readonly key: string;
  /** Id of an integration; null: requests are answered with an error. */
  readonly integrationId: string | null;
  /** JWT and CUSTOM ask an authorizer of the kind. */
  readonly authorizationType: "NONE" | "AWS_IAM" | "JWT" | "CUSTOM";
  /** Null where no authorizer is asked. */
  readonly authorizerId: string | null;
  /** A token must have one of them; empty: none is asked for. */
  readonly scopes: readonly string[];
  readonly operationName: string | null;
  /** Made together with the API. */
  readonly isManaged: boolean;
}

/** A function that answers the requests of routes. */
export interface HttpIntegrationRecord {
  readonly id: string;
  /** As it was given: a function's ARN, or one of API Gateway's around it; may name stage variables. */
  readonly uri: string;
  readonly payloadFormatVersion: "1.0" | "2.0";
  readonly description: string | null;
  readonly timeoutMs: number;
  readonly isManaged: boolean;
}

export type HttpAuthorizerRecord = JwtAuthorizerRecord | LambdaAuthorizerRecord;

interface NamedAuthorizer {
  readonly id: string;
  readonly name: string;
  /** Where the identity is, as `$request.header.NAME`. A JWT authorizer has one. */
  readonly identitySources: readonly string[];
}

/** Takes tokens of an issuer. */
export interface JwtAuthorizerRecord extends NamedAuthorizer {
  readonly type: "JWT";
  readonly issuer: string;
  /** A token must be for one of them. */
  readonly audience: readonly string[];
}

/** A function that says who may call a route. */
export interface LambdaAuthorizerRecord extends NamedAuthorizer {
  readonly type: "REQUEST";
  /** As an integration's. */
  readonly uri: string;
  readonly payloadFormatVersion: "1.0" | "2.0";
  /** Whether the function returns a plain yes or no; else a policy. */
  readonly isSimple: boolean;
  /** Time for which a result is kept; 0: it is not. */
  readonly ttlS: number;
}

export interface HttpStageRecord {
  readonly name: string;
  readonly description: string | null;
  /** True: it serves the API as it is; else what its deployment froze. */
  readonly isAutoDeployed: boolean;
  /** Null: nothing was deployed yet. */
  readonly deploymentId: string | null;
  readonly variables: Readonly<Record<string, string>>;
  /** Null: nothing is written about requests. */
  readonly accessLog: AccessLogRecord | null;
  /** Of each route that has none of its own. */
  readonly routeDefaults: RouteSettingsRecord;
  /** By the key of the route. */
  readonly routeSettings: Readonly<Record<string, RouteSettingsRecord>>;
  /** How often the results of authorizers were forgotten. */
  readonly authorizerResets: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly lastUpdatedMs: number;
  readonly isManaged: boolean;
}

export interface RouteSettingsRecord extends RateLimits {
  /** Shown only: the server has its own metrics. */
  readonly hasMetrics: boolean;
}

export interface HttpDeploymentRecord {
  readonly id: string;
  readonly description: string | null;
  readonly isAutomatic: boolean;
  readonly createdAtMs: number;
}

/** What a deployment froze. Its id is that of the API, a slash, and the deployment's. */
export interface HttpFrozenRecord extends Pick<HttpApiRecord, "routes" | "integrations" | "authorizers"> {
  readonly id: string;
}

export function frozenId(apiId: string, deploymentId: string): string {
  return `${apiId}/${deploymentId}`;
}
