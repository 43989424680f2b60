/**
 * Operations of AWS's services in one scope, called without HTTP: by handlers of a stack's resources, and by whatever
 * else acts for an account. Owned by stacks/, put together in main of the control plane, the services of aws/ and the
 * clients of services that Thaw passes through.
 */
export interface ServiceCalls {
  /**
   * Carries out one operation as the account's root. `service` is the name in the service's signatures, but
   * `apigatewayv2` for API Gateway v2. Members are those of AWS's model; blobs are Buffers, times are Dates, numbers
   * and truth values may be texts, as in templates. Throws a CallError where the service refuses, and whatever else
   * where the server itself failed.
   */
  call(service: string, operation: string, input: CallInput): Promise<CallOutput>;
}

export type CallInput = Readonly<Record<string, unknown>>;
export type CallOutput = Readonly<Record<string, unknown>>;

/** A refusal by a service, with the code and the message of its API. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly service: string;
  readonly code: string;

  constructor(service: string, code: string, message: string) {
    super(message);
    this.service = service;
    this.code = code;
  }
}
