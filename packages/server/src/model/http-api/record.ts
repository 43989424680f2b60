/** Stored records of HTTP APIs (API Gateway, version 2). An API is one document: its parts refer to one another. */
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
  readonly stages: readonly HttpStageRecord[];
  readonly deployments: readonly HttpDeploymentRecord[];
}

export interface HttpRouteRecord {
  readonly id: string;
  /** `METHOD /path`, `ANY /path` or `$default`. */
  readonly key: string;
  /** Id of an integration; null: requests are answered with an error. */
  readonly integrationId: string | null;
  readonly authorizationType: "NONE" | "AWS_IAM";
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

export interface HttpStageRecord {
  readonly name: string;
  readonly description: string | null;
  /** True: it serves the API as it is; else what its deployment froze. */
  readonly isAutoDeployed: boolean;
  /** Null: nothing was deployed yet. */
  readonly deploymentId: string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly lastUpdatedMs: number;
  readonly isManaged: boolean;
}

export interface HttpDeploymentRecord {
  readonly id: string;
  readonly description: string | null;
  readonly isAutomatic: boolean;
  readonly createdAtMs: number;
}

/** Routes and integrations as a deployment froze them. Its id is that of the API, a slash, and the deployment's. */
export interface HttpFrozenRecord {
  readonly id: string;
  readonly routes: readonly HttpRouteRecord[];
  readonly integrations: readonly HttpIntegrationRecord[];
}

export function frozenId(apiId: string, deploymentId: string): string {
  return `${apiId}/${deploymentId}`;
}
