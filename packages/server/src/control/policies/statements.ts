/** Statements of resource policies: made of AddPermission's input, and judged for a call. */
import { isLike } from "@thaw/template/like";
import type { AddPermissionRequest } from "@thaw/aws-api";
import { invalidParameter } from "../../model/api-error.ts";
import { rootArn } from "../../model/caller.ts";
import type { PolicyConditions, PolicyStatement } from "../../model/function-record.ts";

/** A call as statements see it. */
export interface JudgedCall {
  readonly action: string;
  /** Null: nobody in particular. */
  readonly principal: Principal | ServicePrincipal | null;
  /** Values of condition keys, whose names are in lower case. A key that is not there matches nothing. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Who makes a call by a key of an account. */
export interface Principal {
  readonly accountId: string;
  readonly principalArn: string;
}

/** One of AWS's services, which makes a call for somebody. */
export interface ServicePrincipal {
  readonly service: string;
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
  if (ACCOUNT.test(text)) return { AWS: rootArn(text) };
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

/** The condition keys of a call by any account of this installation that tell of its organization. */
export function organizationKeys({
  organizationId = null,
}: {
  readonly organizationId?: string | null;
}): JudgedCall["keys"] {
  return organizationId === null ? {} : { "aws:principalorgid": organizationId };
}

/** Says whether a policy lets a call be made. What no statement allows is not. */
export function allows(statements: readonly PolicyStatement[], call: JudgedCall): boolean {
  return statements.some(
    ({ Principal, Action, Condition }) =>
      matchesPrincipal(Principal, call.principal) &&
      matchesAction(Action, call.action) &&
      matchesAll(Condition ?? {}, call.keys),
  );
}

/** An account stands for all that is in it. */
function matchesPrincipal(allowed: PolicyStatement["Principal"], caller: JudgedCall["principal"]): boolean {
  if (allowed === "*") return true;
  if (caller === null) return false;
  if ("service" in caller) return "Service" in allowed && allowed.Service === caller.service;
  if (!("AWS" in allowed)) return false;
  return allowed.AWS === caller.principalArn || allowed.AWS === rootArn(caller.accountId);
}

/** Names of actions have no case. */
function matchesAction(pattern: string, action: string): boolean {
  return pattern === "*" || pattern === "lambda:*" || pattern.toLowerCase() === action.toLowerCase();
}

function matchesAll(conditions: PolicyConditions, keys: JudgedCall["keys"]): boolean {
  return Object.entries(conditions).every(([operator, values]) =>
    Object.entries(values).every(([key, value]) => {
      const given = keys[key.toLowerCase()];
      if (given === undefined) return false;
      return operator === "ArnLike" ? isArnLike(value, given) : given === value;
    }),
  );
}

/** Each of the six parts of an ARN is matched by itself; `*` and `?` never reach over a colon. */
export function isArnLike(pattern: string, arn: string): boolean {
  const [patterns, parts] = [partsOf(pattern), partsOf(arn)];
  return patterns.length === parts.length && patterns.every((each, at) => isLike(each, parts[at] ?? ""));
}

/** The sixth part holds the colons of the resource. */
function partsOf(arn: string): readonly string[] {
  const parts = arn.split(":");
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(":")];
}
