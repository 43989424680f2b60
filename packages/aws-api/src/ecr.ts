/** ECR's API: its model and its protocol. */
import { ERRORS } from "./generated/ecr/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/ecr/operations.ts";
import { SERVICE } from "./generated/ecr/service.ts";
import { SHAPES } from "./generated/ecr/shapes.ts";
import { AwsJson } from "./protocols/aws-json.ts";
import { modelOf } from "./model.ts";
import type { ServiceApi } from "./service-api.ts";

export type { OperationName, OperationTypes } from "./generated/ecr/operations.ts";
export type * from "./generated/ecr/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const ECR: ServiceApi<OperationTypes> = { model: MODEL, protocol: new AwsJson<OperationName>(MODEL, SERVICE) };
