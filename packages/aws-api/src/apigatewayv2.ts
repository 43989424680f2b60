/** The API of API Gateway's HTTP APIs: its model and its protocol. */
import { ERRORS } from "./generated/apigatewayv2/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/apigatewayv2/operations.ts";
import { SERVICE } from "./generated/apigatewayv2/service.ts";
import { SHAPES } from "./generated/apigatewayv2/shapes.ts";
import type { ServiceApi } from "./service-api.ts";
import { RestJsonService } from "./protocols/rest-json-service.ts";

export type { OperationName, OperationTypes } from "./generated/apigatewayv2/operations.ts";
export type * from "./generated/apigatewayv2/types.ts";

const MODEL = {
  scope: SERVICE.scope,
  operations: OPERATIONS,
  shapes: SHAPES,
  errors: ERRORS,
  checkedByTheService: new Set<string>(),
  saidByTheService: {},
};

export const API_GATEWAY_V2: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new RestJsonService<OperationName>(MODEL),
};
