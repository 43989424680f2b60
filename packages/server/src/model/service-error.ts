/**
 * A refusal of one of AWS's services other than Lambda. Becomes a response in that service's protocol in http/ only.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
