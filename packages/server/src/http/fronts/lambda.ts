/** The Lambda API: a request in, checked against the model, carried out, and AWS's answer out. */
import {
  matchOperation,
  parseInput,
  SerializationError,
  serializeOutput,
  validate,
  OPERATIONS,
  type Match,
  type WireRequest,
} from "@thaw/aws-api";
import type { ControlPlane } from "../../control/control-plane.ts";
import { ApiError } from "../../model/api-error.ts";
import { errorReply, type Reply, replyOfError } from "../reply.ts";

/** A link that needs no credentials, to a path of Thaw's own API. */
export type LinkTo = (path: string) => string;

export async function serveLambdaApi(
  control: ControlPlane,
  request: WireRequest,
  requestId: string,
  linkTo: LinkTo,
): Promise<Reply> {
  const match = matchOperation(request.method, request.path);
  if (match === null)
    return errorReply(
      "UnknownOperationException",
      `There is no operation ${request.method} ${request.path} in the Lambda API.`,
    );
  try {
    return await carryOut(control, match, request, requestId, linkTo);
  } catch (error) {
    if (error instanceof SerializationError) return errorReply("SerializationException", error.message);
    return replyOfError(error, control.services.onProblem);
  }
}

async function carryOut(
  control: ControlPlane,
  match: Match,
  request: WireRequest,
  requestId: string,
  linkTo: LinkTo,
): Promise<Reply> {
  const { operation } = match;
  const handler = control.operations[operation];
  if (handler === undefined && operation !== "Invoke") {
    throw new ApiError(
      "NotImplementedException",
      `${operation} is part of the Lambda API, but Thaw does not have it yet.`,
    );
  }
  const input = parseInput(match, request);
  const inputShape = OPERATIONS[operation].input;
  const problem = inputShape === null ? null : validate(inputShape, input);
  if (problem !== null) throw new ApiError("ValidationException", problem);
  const output =
    operation === "Invoke"
      ? await invoke(control, input, request, requestId)
      : await (handler as (input: unknown) => unknown)(input);
  return serializeOutput(operation, withLink(output as Readonly<Record<string, unknown>>, linkTo));
}

/** GetFunction's Code.Location: on AWS, too, whoever has the link may read the package for ten minutes. */
function withLink(output: Readonly<Record<string, unknown>>, linkTo: LinkTo): Readonly<Record<string, unknown>> {
  const code = output["Code"] as { readonly Location?: string } | undefined;
  return code?.Location === undefined ? output : { ...output, Code: { ...code, Location: linkTo(code.Location) } };
}

function invoke(
  control: ControlPlane,
  input: Record<string, unknown>,
  request: WireRequest,
  requestId: string,
): Promise<unknown> {
  const { Payload: _, ...rest } = input;
  const trace = request.headers["x-amzn-trace-id"];
  return control.invoke.invoke({
    ...(rest as { FunctionName: string }),
    payload: request.body,
    requestId,
    traceId: typeof trace === "string" ? trace : null,
  });
}
