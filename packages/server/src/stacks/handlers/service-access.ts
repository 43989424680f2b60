/**
 * What a custom resource's function can reach of AWS's services: nothing, unless the operator has named it
 * (`--allow-services`) or it names an endpoint itself. Reasons of failures say so where that is their cause, and where
 * it may be.
 */
import { readFunctionName } from "../../model/function-name.ts";
import { CallError } from "../../ports/service-calls.ts";
import { type HandlerContext, HandlerError } from "./handler.ts";

export interface ServiceAccess {
  readonly functionName: string;
  /** `named`: by the operator; `own`: the function names an endpoint itself; `none`: it asks AWS. */
  readonly kind: "named" | "own" | "none";
  /** True for the function that the CDK's `Provider` puts in front of the user's. */
  readonly isProvider: boolean;
}

export type CallsServices = (scope: HandlerContext["scope"], functionName: string) => boolean;

/** Set by the CDK (custom-resources/lib/provider-framework/runtime/consts). */
const PROVIDER_VARIABLE = "USER_ON_EVENT_FUNCTION_ARN";
const ENDPOINTS = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"];
/** As AWS's clients say that no service of AWS's answered. */
const UNREACHED = ["ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "EHOSTUNREACH", "endpoint URL"];
/** As services of AWS refuse a key that is not theirs. */
const UNKNOWN_KEY = [
  "security token included in the request is invalid",
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "InvalidAccessKeyId",
  "AWS Access Key Id you provided does not exist",
];
const TIMED_OUT = "Task timed out after";

/** Looks at the function. One that can't be looked at can't be invoked either, which its invoke tells. */
export async function accessOf(
  serviceToken: string,
  { scope, services }: HandlerContext,
  callsServices: CallsServices,
): Promise<ServiceAccess> {
  const functionName = readFunctionName(serviceToken)?.name ?? serviceToken;
  const found = { functionName, isProvider: false };
  if (callsServices(scope, functionName)) return { ...found, kind: "named" };
  const output = await services
    .call("lambda", "GetFunctionConfiguration", { FunctionName: serviceToken })
    .catch((error: unknown) => {
      if (!(error instanceof CallError)) throw error;
      return {};
    });
  const { Variables: variables = {} } = ((output as Record<string, unknown>)["Environment"] ?? {}) as {
    readonly Variables?: Readonly<Record<string, string>>;
  };
  const isOwn = ENDPOINTS.some((name) => variables[name] !== undefined);
  return { functionName, kind: isOwn ? "own" : "none", isProvider: variables[PROVIDER_VARIABLE] !== undefined };
}

/**
 * Refuses the function of a `Provider` that can't call Lambda, which is all that it does: it would try for five
 * minutes. Throws a HandlerError; nothing was made.
 */
export function refuseCutOff({ functionName, kind, isProvider }: ServiceAccess): void {
  if (isProvider && kind === "none")
    throw new HandlerError(
      `The function ${functionName} of the CDK's Provider calls Lambda, which it can't reach: ${allowing(functionName)}, and the same for each function that it calls and that calls services.`,
    );
}

/** The sentence that goes behind a reason, with a space before it; empty where access is not the matter. */
export function adviceOn(reason: string, { functionName, kind }: ServiceAccess): string {
  const isUnreached = reason.includes("amazonaws.com") && UNREACHED.some((sign) => reason.includes(sign));
  if (isUnreached || UNKNOWN_KEY.some((sign) => reason.includes(sign)))
    return kind === "none"
      ? ` It asked AWS itself, where its credentials are not known: ${allowing(functionName)}.`
      : " A function asked AWS itself, where its credentials are not known: --allow-services must name each that calls services.";
  return reason.includes(TIMED_OUT) ? adviceOnSilence({ functionName, kind }) : "";
}

/** The same where nothing tells what the function waited for. */
export function adviceOnSilence({ functionName, kind }: Pick<ServiceAccess, "functionName" | "kind">): string {
  return kind === "none"
    ? ` If it waited for a service of AWS's, which it can't reach: ${allowing(functionName)}.`
    : "";
}

function allowing(functionName: string): string {
  return `start the server with --allow-services ${functionName}, or with what the names of the stack's functions begin with and *`;
}
