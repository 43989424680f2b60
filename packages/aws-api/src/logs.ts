/** CloudWatch Logs' API: its model and its protocol. */
import { ERRORS } from "./generated/logs/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/logs/operations.ts";
import { SERVICE } from "./generated/logs/service.ts";
import { SHAPES } from "./generated/logs/shapes.ts";
import { AwsJson } from "./protocols/aws-json.ts";
import { modelOf } from "./model.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/logs/operations.ts";
export type * from "./generated/logs/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const LOGS: ServiceApi<OperationTypes> = { model: MODEL, protocol: new AwsJson<OperationName>(MODEL, SERVICE) };
