/** IAM's API: its model and its protocol. */
import { ERRORS } from "./generated/iam/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/iam/operations.ts";
import { SERVICE } from "./generated/iam/service.ts";
import { SHAPES } from "./generated/iam/shapes.ts";
import { modelOf } from "./model.ts";
import type { ServiceApi } from "./service-api.ts";
import { AwsQuery } from "./protocols/aws-query.ts";

export type { OperationName, OperationTypes } from "./generated/iam/operations.ts";
export type * from "./generated/iam/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const IAM: ServiceApi<OperationTypes> = { model: MODEL, protocol: new AwsQuery<OperationName>(MODEL, SERVICE) };
