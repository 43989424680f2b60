/** The API of API Gateway's REST APIs, version 1 of the service: its model and its protocol. */
import { ERRORS } from "./generated/apigateway/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/apigateway/operations.ts";
import { SERVICE } from "./generated/apigateway/service.ts";
import { SHAPES } from "./generated/apigateway/shapes.ts";
import { modelOf } from "./model.ts";
import { RestJsonService } from "./protocols/rest-json-service.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/apigateway/operations.ts";
export type * from "./generated/apigateway/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const API_GATEWAY: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new RestJsonService<OperationName>(MODEL),
};
