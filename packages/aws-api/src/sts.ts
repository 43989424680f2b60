/** STS's API: its model and its protocol. */
import { ERRORS } from "./generated/sts/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/sts/operations.ts";
import { SERVICE } from "./generated/sts/service.ts";
import { SHAPES } from "./generated/sts/shapes.ts";
import { modelOf } from "./model.ts";
import type { ServiceApi } from "./service-api.ts";
import { AwsQuery } from "./protocols/aws-query.ts";

export type { OperationName, OperationTypes } from "./generated/sts/operations.ts";
export type * from "./generated/sts/types.ts";

const MODEL = modelOf({ service: SERVICE, operations: OPERATIONS, shapes: SHAPES, errors: ERRORS });

export const STS: ServiceApi<OperationTypes> = { model: MODEL, protocol: new AwsQuery<OperationName>(MODEL, SERVICE) };
