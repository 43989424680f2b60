/** Cloud Control's API: its model and its protocol. */
import { ERRORS } from "./generated/cloudcontrol/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/cloudcontrol/operations.ts";
import { SERVICE } from "./generated/cloudcontrol/service.ts";
import { SHAPES } from "./generated/cloudcontrol/shapes.ts";
import { AwsJson } from "./protocols/aws-json.ts";
import { modelOf } from "./model.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/cloudcontrol/operations.ts";
export type * from "./generated/cloudcontrol/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const CLOUD_CONTROL: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new AwsJson<OperationName>(MODEL, SERVICE),
};
