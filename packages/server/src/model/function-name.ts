/**
 * Names of functions as clients write them: `name`, `name:qualifier`, `account:function:name`, the whole ARN or the end
 * of one; and ARNs of our own.
 */
import { ApiError, invalidParameter, notFound } from "./api-error.ts";

export interface AccountScope {
  readonly accountId: string;
  readonly region: string;
}

export function isSameScope(a: AccountScope, b: AccountScope): boolean {
  return a.accountId === b.accountId && a.region === b.region;
}

export interface FunctionReference {
  readonly name: string;
  /** Qualifier from the name itself or from the parameter; null where there is none. */
  readonly qualifier: string | null;
}

/** As the model has it: each part before the name may be left out by itself. */
const FORMS =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$/;

export function functionArn(scope: AccountScope, name: string, qualifier?: string | null): string {
  const arn = `arn:aws:lambda:${scope.region}:${scope.accountId}:function:${name}`;
  return qualifier === undefined || qualifier === null ? arn : `${arn}:${qualifier}`;
}

/** The parts of a name; null: it has none. */
export interface FunctionNameParts extends FunctionReference {
  readonly region: string | null;
  readonly accountId: string | null;
}

/** Null where it is no name of a function. */
export function readFunctionName(text: string): FunctionNameParts | null {
  const match = FORMS.exec(text);
  if (match === null) return null;
  const [, region = null, accountId = null, name = "", qualifier = null] = match;
  return { region, accountId, name, qualifier };
}

/**
 * Reads a name.
 *
 * @param text - Has passed the model's pattern.
 */
export function parseFunctionName(scope: AccountScope, text: string, qualifier?: string): FunctionReference {
  const parts = readFunctionName(text);
  if (parts === null) throw invalidParameter(`The function name '${text}' is not valid.`);
  const { region, accountId: account, name, qualifier: ownQualifier } = parts;
  if (region !== null && region !== scope.region) {
    throw notFound(`Functions from '${region}' are not reachable in this region ('${scope.region}')`);
  }
  if (account !== null && account !== scope.accountId) {
    const arn = functionArn({ ...scope, accountId: account }, name);
    throw new ApiError(
      "AccessDeniedException",
      `Account ${scope.accountId} is not authorized to perform this operation on resource: ${arn}`,
    );
  }
  if (ownQualifier !== null && qualifier !== undefined && ownQualifier !== qualifier) {
    throw invalidParameter("The derived qualifier from the function name does not match the specified qualifier.");
  }
  return { name, qualifier: qualifier ?? ownQualifier };
}
