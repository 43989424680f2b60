/** Statements of resource policies: made of AddPermission's input, and judged for a call. */
import type { AddPermissionRequest } from "@thaw/aws-api";
import { invalidParameter } from "../../model/api-error.ts";
import type { PolicyConditions, PolicyStatement } from "../../model/function-record.ts";

/** A call as conditions see it: the values of its keys, in lower case. A key that is not there matches nothing. */
export interface JudgedCall {
  readonly action: string;
  readonly keys: Readonly<Record<string, string>>;
}

const SERVICE = /^[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|amazon\.com)$/;
const ACCOUNT = /^\d{12}$/;
const IDENTITY = /^arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[^\s]+$/;

/** Throws an InvalidParameterValueException where the principal is none. */
export function toStatement(input: AddPermissionRequest, resource: string): PolicyStatement {
  const conditions = conditionsOf(input);
  return {
    Sid: input.StatementId,
    Effect: "Allow",
    Principal: principalOf(input.Principal),
    Action: input.Action,
    Resource: resource,
    ...(conditions === null ? {} : { Condition: conditions }),
  };
}

/** Recorded …TestLambdaPermissions.test_add_lambda_permission_fields. */
function principalOf(text: string): PolicyStatement["Principal"] {
  if (text === "*") return "*";
  if (ACCOUNT.test(text)) return { AWS: `arn:aws:iam::${text}:root` };
  if (IDENTITY.test(text)) return { AWS: text };
  if (SERVICE.test(text)) return { Service: text };
  throw invalidParameter("The provided principal was invalid. Please check the principal and try again.");
}

function conditionsOf(input: AddPermissionRequest): PolicyConditions | null {
  const equals = given({
    "AWS:SourceAccount": input.SourceAccount,
    "lambda:EventSourceToken": input.EventSourceToken,
    "lambda:FunctionUrlAuthType": input.FunctionUrlAuthType,
    "aws:PrincipalOrgID": input.PrincipalOrgID,
  });
  const like = given({ "AWS:SourceArn": input.SourceArn });
  const isViaUrl = given({ "lambda:InvokedViaFunctionUrl": input.InvokedViaFunctionUrl?.toString() });
  const all = { StringEquals: equals, ArnLike: like, Bool: isViaUrl };
  const conditions = Object.entries(all).filter(([, values]) => Object.keys(values).length > 0);
  return conditions.length === 0 ? null : Object.fromEntries(conditions);
}

function given(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Says whether a policy lets everybody make a call. */
export function allowsEverybody(statements: readonly PolicyStatement[], call: JudgedCall): boolean {
  return statements.some(
    ({ Principal, Action, Condition }) =>
      Principal === "*" && matchesAction(Action, call.action) && matchesAll(Condition ?? {}, call.keys),
  );
}

/** Names of actions have no case. */
function matchesAction(pattern: string, action: string): boolean {
  return pattern === "*" || pattern === "lambda:*" || pattern.toLowerCase() === action.toLowerCase();
}

/** ArnLike stands only with a source, which no call from outside has: whatever the pattern, it does not match. */
function matchesAll(conditions: PolicyConditions, keys: JudgedCall["keys"]): boolean {
  return Object.values(conditions).every((values) =>
    Object.entries(values).every(([key, value]) => keys[key.toLowerCase()] === value),
  );
}
