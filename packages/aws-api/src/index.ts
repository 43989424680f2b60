/** The public face: AWS's Lambda API as types, checks and wire forms. No dependencies. */
export { ERRORS, type ErrorName } from "./generated/errors.ts";
export { OPERATIONS, type OperationName, type OperationTypes } from "./generated/operations.ts";
export type * from "./generated/types.ts";
export {
  type SignatureProblem,
  verifySignature,
  presignQuery,
  signRequest,
  type SigningCredentials,
} from "./signature.ts";
export { enumValues, SerializationError, validate } from "./validate.ts";
export {
  type Match,
  matchOperation,
  parseInput,
  serializeOutput,
  type WireRequest,
  type WireResponse,
} from "./wire.ts";
