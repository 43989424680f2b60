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

export type ErrorMembers = Readonly<Record<string, string | null>>;

export class ApiError extends Error {
  override readonly name: ErrorName | UnmodelledName;
  /** Further members of the body (`Reason`); null: one that is left out. */
  readonly extra: ErrorMembers;

  constructor(name: ErrorName | UnmodelledName, message: string, extra: ErrorMembers = {}) {
    super(message);
    this.name = name;
    this.extra = extra;
  }
}

export function invalidParameter(message: string): ApiError {
  return new ApiError("InvalidParameterValueException", message);
}

/** For refusals whose body has no `Type` on AWS. */
export function untypedInvalidParameter(message: string): ApiError {
  return new ApiError("InvalidParameterValueException", message, { Type: null });
}

export function notFound(message: string): ApiError {
  return new ApiError("ResourceNotFoundException", message);
}

export function conflict(message: string): ApiError {
  return new ApiError("ResourceConflictException", message);
}
