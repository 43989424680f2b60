/** The public face: signatures, and AWS's Lambda API as types, checks and wire forms. */
export * from "./lambda.ts";
export type { ServiceModel } from "./model.ts";
export {
  foreignError,
  foreignFault,
  type ForeignHead,
  type ForeignRequest,
  readForeign,
  type WireProtocol,
} from "./protocols/foreign-error.ts";
export type { WireRequest, WireResponse } from "./protocols/rest-json.ts";
export type { RpcProtocol } from "./protocols/rpc.ts";
export { parseQuery, type RequestHead } from "./signature/canonical.ts";
export { presignQuery, signRequest, type SigningCredentials } from "./signature/sign.ts";
export type { Payload } from "./signature/payload.ts";
export {
  type Claim,
  readClaim,
  type SignatureProblem,
  type SigningKey,
  type Verifier,
  verifySignature,
} from "./signature/verify.ts";
export type { ServiceApi, TypesOf } from "./service-api.ts";
export { SerializationError, Validator } from "./validate.ts";
