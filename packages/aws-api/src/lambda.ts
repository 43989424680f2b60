/** AWS's Lambda API: its model, its protocol and its checks. */
import { ERRORS } from "./generated/lambda/errors.ts";
import { OPERATIONS, type OperationName } from "./generated/lambda/operations.ts";
import { SHAPES } from "./generated/lambda/shapes.ts";
import type { ServiceModel } from "./model.ts";
import { type OperationMatch, RestJson } from "./protocols/rest-json.ts";
import { Validator } from "./validate.ts";

export { ERRORS, type ErrorName } from "./generated/lambda/errors.ts";
export { OPERATIONS, type OperationName, type OperationTypes } from "./generated/lambda/operations.ts";
export type * from "./generated/lambda/types.ts";

export const LAMBDA: ServiceModel<OperationName> = {
  scope: "lambda",
  operations: OPERATIONS,
  // AWS's texts name these values in another order than its model (recorded …test_lambda_url_invalid_invoke_mode).
  shapes: { ...SHAPES, InvokeMode: { ...SHAPES["InvokeMode"], type: "string", enum: ["RESPONSE_STREAM", "BUFFERED"] } },
  errors: ERRORS,
  checkedByTheService: new Set(["Runtime"]),
};

export type Match = OperationMatch<OperationName>;

const protocol = new RestJson(LAMBDA);
const validator = new Validator(LAMBDA);

export const matchOperation = protocol.match.bind(protocol);
export const parseInput = protocol.parseInput.bind(protocol);
export const serializeOutput = protocol.serializeOutput.bind(protocol);
export const validate = validator.validate.bind(validator);
export const enumValues = validator.enumValues.bind(validator);
