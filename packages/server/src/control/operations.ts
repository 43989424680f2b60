/**
 * The operations of AWS's Lambda API, typed by its model: each family of them returns its part, and the front calls
 * them by name.
 */
import type { OperationName, OperationTypes } from "@thaw/aws-api";

declare const OPERATION: unique symbol;

/**
 * An operation's input. The mark is a matter of types only and never there at run time: GetAlias takes what CreateAlias
 * is given, and answers alike, so that without it one could be bound in place of the other.
 */
export type In<O extends OperationName> = OperationTypes[O]["input"] & { readonly [OPERATION]?: O };
export type Out<O extends OperationName> = OperationTypes[O]["output"];

/** The request around an input. */
export interface Call {
  readonly requestId: string;
  /** The body as it was sent: Invoke's payload. */
  readonly body: Buffer;
  /** The X-Amzn-Trace-Id header; null where the client sent none. */
  readonly traceId: string | null;
}

/** Throws an ApiError when the request is refused. */
export type Operation<O extends OperationName> = (input: In<O>, call: Call) => Out<O> | Promise<Out<O>>;

/** Some operations, each of them there. */
export type OperationsOf<O extends OperationName> = { readonly [Name in O]: Operation<Name> };

/** All operations; one that is absent is part of the Lambda API and not of Thaw yet. */
export type Operations = { readonly [O in OperationName]?: Operation<O> };

/** Lists the operations that exist, by name. */
export function operationNames(operations: Operations): readonly OperationName[] {
  return (Object.keys(operations) as OperationName[]).toSorted();
}
