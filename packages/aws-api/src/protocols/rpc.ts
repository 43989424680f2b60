/**
 * A protocol in which a service has one path and a request names its operation, such as Query with XML answers
 * (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html).
 */
import type { WireRequest, WireResponse } from "./rest-json.ts";

export interface RpcProtocol<O extends string = string> {
  /** Finds the operation that a request names; null where the service has none of that name. */
  match(request: WireRequest): O | null;
  /** The name that a request gives, for messages; empty where it gives none. */
  nameOf(request: WireRequest): string;
  /** Reads the input as the model's structure. Throws SerializationError for what it can't read. */
  parseInput(operation: O, request: WireRequest): Record<string, unknown>;
  serializeOutput(operation: O, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse;
  serializeError(code: string, message: string, status: number, requestId: string): WireResponse;
}
