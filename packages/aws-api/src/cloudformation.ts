/** CloudFormation's API: its model and its protocol. */
import { ERRORS } from "./generated/cloudformation/errors.ts";
import { OPERATIONS, type OperationName, type OperationTypes } from "./generated/cloudformation/operations.ts";
import { SERVICE } from "./generated/cloudformation/service.ts";
import { SHAPES } from "./generated/cloudformation/shapes.ts";
import type { ServiceApi } from "./service-api.ts";
import { AwsQuery } from "./protocols/aws-query.ts";

export type { OperationName, OperationTypes } from "./generated/cloudformation/operations.ts";
export type * from "./generated/cloudformation/types.ts";

const MODEL = {
  scope: SERVICE.scope,
  operations: OPERATIONS,
  shapes: SHAPES,
  errors: ERRORS,
  checkedByTheService: new Set<string>(),
  saidByTheService: {},
};

export const CLOUDFORMATION: ServiceApi<OperationTypes> = {
  model: MODEL,
  protocol: new AwsQuery<OperationName>(MODEL, SERVICE),
};
