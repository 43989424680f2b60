/** EventBridge Schemas' API: its model and its protocol. */
import { ERRORS } from "./generated/schemas/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/schemas/operations.ts";
import { SERVICE } from "./generated/schemas/service.ts";
import { SHAPES } from "./generated/schemas/shapes.ts";
import { modelOf } from "./model.ts";
import { RestJsonService } from "./protocols/rest-json-service.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/schemas/operations.ts";
export type * from "./generated/schemas/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const SCHEMAS: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new RestJsonService<OperationName>(MODEL),
};
