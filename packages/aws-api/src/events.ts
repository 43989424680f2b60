/** EventBridge's API: its model and its protocol. */
import { ERRORS } from "./generated/events/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/events/operations.ts";
import { SERVICE } from "./generated/events/service.ts";
import { SHAPES } from "./generated/events/shapes.ts";
import { modelOf } from "./model.ts";
import { AwsJson } from "./protocols/aws-json.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/events/operations.ts";
export type * from "./generated/events/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const EVENTS: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new AwsJson<OperationName>(MODEL, SERVICE),
};
