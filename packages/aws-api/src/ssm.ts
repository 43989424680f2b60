/** Systems Manager's API: its model and its protocol. */
import { ERRORS } from "./generated/ssm/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/ssm/operations.ts";
import { SERVICE } from "./generated/ssm/service.ts";
import { SHAPES } from "./generated/ssm/shapes.ts";
import { AwsJson } from "./protocols/aws-json.ts";
import { modelOf } from "./model.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/ssm/operations.ts";
export type * from "./generated/ssm/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const SSM: ServiceApi<OperationTypes> = { model: MODEL, protocol: new AwsJson<OperationName>(MODEL, SERVICE) };
