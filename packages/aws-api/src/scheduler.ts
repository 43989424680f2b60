/** EventBridge Scheduler's API: its model and its protocol. */
import { ERRORS } from "./generated/scheduler/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/scheduler/operations.ts";
import { SERVICE } from "./generated/scheduler/service.ts";
import { SHAPES } from "./generated/scheduler/shapes.ts";
import { modelOf } from "./model.ts";
import { RestJsonService } from "./protocols/rest-json-service.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/scheduler/operations.ts";
export type * from "./generated/scheduler/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const SCHEDULER: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new RestJsonService<OperationName>(MODEL),
};
