/** REST-JSON for services that are served by their models alone, as those of the RPC protocols are. */
import type { ServiceModel } from "../model.ts";
import { RestJson, type WireRequest, type WireResponse } from "./rest-json.ts";
import type { RpcProtocol } from "./rpc.ts";

export class RestJsonService<O extends string> implements RpcProtocol<O> {
  readonly #rest: RestJson<O>;

  constructor(model: ServiceModel<O>) {
    this.#rest = new RestJson(model);
  }

  match({ method, path, query }: WireRequest): O | null {
    return this.#rest.match(method, path, query)?.operation ?? null;
  }

  /** Without a name in the request, its method and path tell what was wanted. */
  nameOf({ method, path }: WireRequest): string {
    return `${method} ${path}`;
  }

  parseInput(operation: O, request: WireRequest): Record<string, unknown> {
    const match = this.#rest.match(request.method, request.path, request.query);
    if (match?.operation !== operation) throw new Error(`${operation} is not what the request asks for`);
    return this.#rest.parseInput(match, request);
  }

  serializeOutput(operation: O, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse {
    const { headers, ...response } = this.#rest.serializeOutput(operation, output);
    return { ...response, headers: { ...headers, "x-amzn-RequestId": requestId } };
  }

  serializeError(code: string, message: string, status: number, requestId: string): WireResponse {
    return {
      status,
      headers: { "Content-Type": "application/json", "x-amzn-ErrorType": code, "x-amzn-RequestId": requestId },
      body: Buffer.from(JSON.stringify({ message })),
    };
  }
}
