/** Stored records of REST APIs (API Gateway, version 1). An API is one document: its parts refer to one another. */

import type { AccessLogRecord } from "../gateways/access-log.ts";
import type { RateLimits } from "../gateways/rate-limits.ts";

type Texts = Readonly<Record<string, string>>;
type Flags = Readonly<Record<string, boolean>>;

export interface RestApiRecord extends RestPartsRecord {
  /** First label of its host name. */
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly version: string | null;
  /** Shown only: all endpoints are this server's. */
  readonly endpointType: "EDGE" | "REGIONAL";
  readonly isEndpointDisabled: boolean;
  readonly tags: Texts;
  readonly createdAtMs: number;
  readonly stages: readonly RestStageRecord[];
  readonly deployments: readonly RestDeploymentRecord[];
}

/** What a deployment freezes. */
export interface RestPartsRecord {
  readonly binaryMediaTypes: readonly string[];
  /** The root is the first. */
  readonly resources: readonly RestResourceRecord[];
  readonly gatewayResponses: readonly RestGatewayResponseRecord[];
  readonly authorizers: readonly RestAuthorizerRecord[];
  readonly models: readonly RestModelRecord[];
  /** Not there in what was stored before there were any. */
  readonly validators?: readonly RestValidatorRecord[];
}

/** What is asked of the requests of methods that name it. */
export interface RestValidatorRecord {
  readonly id: string;
  /** Null: CreateRequestValidator was given none. */
  readonly name: string | null;
  readonly isBodyChecked: boolean;
  readonly areParametersChecked: boolean;
}

/** A function that says who may call a method. */
export interface RestAuthorizerRecord {
  readonly id: string;
  readonly name: string;
  /** TOKEN gets one header, REQUEST the request without its body. */
  readonly type: "TOKEN" | "REQUEST";
  /** As an integration's. */
  readonly uri: string;
  /** The identity, by which results are kept; empty: there is none. */
  readonly identitySources: readonly string[];
  /** Time for which a result is kept; 0: it is not. */
  readonly ttlS: number;
  /** Shown only. */
  readonly authType: string | null;
}

export interface RestResourceRecord {
  readonly id: string;
  /** Null: the root. */
  readonly parentId: string | null;
  /** Such as `pets`, `{id}` or `{proxy+}`; empty for the root. */
  readonly pathPart: string;
  /** From the root on, with its labels. */
  readonly path: string;
  /** By HTTP's name, or `ANY`. */
  readonly methods: Readonly<Record<string, RestMethodRecord>>;
}

export interface RestMethodRecord {
  readonly authorizationType: "NONE" | "AWS_IAM" | "CUSTOM";
  /** Null where no authorizer is asked. */
  readonly authorizerId: string | null;
  readonly operationName: string | null;
  /** Names of parameters that requests may have; true: they must, where a validator asks for them. */
  readonly requestParameters: Flags;
  /** Names of models, by content type or `$default`. */
  readonly requestModels: Texts;
  /** Null, or not there: nothing is asked of requests. */
  readonly requestValidatorId?: string | null;
  /** By status. */
  readonly responses: Readonly<Record<string, RestMethodResponseRecord>>;
  /** Null: none was put yet, and the API can't be deployed. */
  readonly integration: RestIntegrationRecord | null;
}

export interface RestMethodResponseRecord {
  readonly responseParameters: Flags;
  readonly responseModels: Texts;
}

export interface RestIntegrationRecord {
  /** `MOCK` answers by itself: browsers' preflights. */
  readonly type: "AWS_PROXY" | "MOCK";
  /** API Gateway's ARN around a function's, as it was given; may name stage variables. Null: a mock has none. */
  readonly uri: string | null;
  readonly httpMethod: string | null;
  readonly timeoutMs: number;
  readonly passthroughBehavior: string;
  /** By content type. A mock's say the status of its answer. */
  readonly requestTemplates: Texts;
  readonly contentHandling: string | null;
  readonly cacheNamespace: string;
  /** By status. Only a mock's are looked at. */
  readonly responses: Readonly<Record<string, RestIntegrationResponseRecord>>;
}

export interface RestIntegrationResponseRecord {
  /** Null: it is taken where no other one matches. */
  readonly selectionPattern: string | null;
  /** Values of headers, by `method.response.header.NAME`. */
  readonly responseParameters: Texts;
  /** By content type. */
  readonly responseTemplates: Texts;
  readonly contentHandling: string | null;
}

export interface RestModelRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly contentType: string;
  readonly schema: string | null;
}

/** What takes the place of an answer that API Gateway itself would give. */
export interface RestGatewayResponseRecord {
  readonly type: string;
  /** Null: the status that the answer has anyway. */
  readonly statusCode: string | null;
  /** Values of headers, by `gatewayresponse.header.NAME`. */
  readonly responseParameters: Texts;
  /** By content type; empty: the body that the answer has anyway. */
  readonly responseTemplates: Texts;
}

export interface RestStageRecord {
  readonly name: string;
  readonly description: string | null;
  readonly deploymentId: string;
  readonly variables: Texts;
  /** Null: nothing is written about requests. */
  readonly accessLog: AccessLogRecord | null;
  /** By path and method, as `~1pets/GET`, or for all others by `*`, a slash and `*`. */
  readonly methodSettings: Readonly<Record<string, MethodSettingsRecord>>;
  /** Shown only. */
  readonly isTraced: boolean;
  readonly tags: Texts;
  readonly createdAtMs: number;
  readonly lastUpdatedMs: number;
}

/** What is said of a method of a stage. All but the limits is shown only: the server has its own logs and metrics. */
export interface MethodSettingsRecord extends RateLimits {
  readonly hasMetrics: boolean;
  readonly loggingLevel: string;
  readonly isDataTraced: boolean;
}

export interface RestDeploymentRecord {
  readonly id: string;
  readonly description: string | null;
  readonly createdAtMs: number;
}

/** An API as a deployment froze it. Its id is that of the API, a slash, and the deployment's. */
export interface RestFrozenRecord extends Omit<RestPartsRecord, "models"> {
  readonly id: string;
  /** Not there where no body is checked. */
  readonly models?: readonly RestModelRecord[];
}

/** Settings of the account; its id is always the same. */
export interface GatewayAccountRecord {
  readonly id: typeof GATEWAY_ACCOUNT;
  /** Shown only: no role is needed to write logs. */
  readonly cloudwatchRoleArn: string | null;
}

export const GATEWAY_ACCOUNT = "account";
