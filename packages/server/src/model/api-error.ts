/**
 * A refusal in AWS's terms: the name of an error of the API model and its message. Becomes a response in http/ only.
 */
import type { ErrorName } from "@thaw/aws-api";

/** Names of errors that AWS answers though its model does not list them. */
type UnmodelledName =
  | "ValidationException"
  | "SerializationException"
  | "AccessDeniedException"
  | "RequestEntityTooLargeException"
  | "UnknownOperationException"
  | "NotImplementedException";

export class ApiError extends Error {
  override readonly name: ErrorName | UnmodelledName;
  /** Further members of the body (`Reason`). */
  readonly extra: Readonly<Record<string, string>>;

  constructor(name: ErrorName | UnmodelledName, message: string, extra: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = name;
    this.extra = extra;
  }
}

export function invalidParameter(message: string): ApiError {
  return new ApiError("InvalidParameterValueException", message);
}

export function notFound(message: string): ApiError {
  return new ApiError("ResourceNotFoundException", message);
}

export function conflict(message: string): ApiError {
  return new ApiError("ResourceConflictException", message);
}
