/** The Lambda API: a request in, checked against the model, carried out, and AWS's answer out. */
import { matchOperation, parseInput, SerializationError, serializeOutput, validate, OPERATIONS, type Match, type WireRequest } from "@thaw/lambda-api";
import type { ControlPlane } from "../control/control-plane.ts";
import { ApiError } from "../model/api-error.ts";
import { errorReply, type Reply, replyOfError } from "./reply.ts";

export async function serveLambdaApi(control: ControlPlane, request: WireRequest, requestId: string): Promise<Reply> {
  const match = matchOperation(request.method, request.path);
  if (match === null) return errorReply("UnknownOperationException", `There is no operation ${request.method} ${request.path} in the Lambda API.`);
  try {
    return await carryOut(control, match, request, requestId);
  } catch (error) {
    if (error instanceof SerializationError) return errorReply("SerializationException", error.message);
    return replyOfError(error, control.services.onProblem);
  }
}

async function carryOut(control: ControlPlane, match: Match, request: WireRequest, requestId: string): Promise<Reply> {
  const { operation } = match;
  const handler = control.operations[operation];
  if (handler === undefined && operation !== "Invoke") {
    throw new ApiError("NotImplementedException", `${operation} is part of the Lambda API, but Thaw does not have it yet.`);
  }
  const input = parseInput(match, request);
  const inputShape = OPERATIONS[operation].input;
  const problem = inputShape === null ? null : validate(inputShape, input);
  if (problem !== null) throw new ApiError("ValidationException", problem);
  const output = operation === "Invoke" ? await invoke(control, input, request, requestId) : await (handler as (input: unknown) => unknown)(input);
  return serializeOutput(operation, output as Readonly<Record<string, unknown>>);
}

function invoke(control: ControlPlane, input: Record<string, unknown>, request: WireRequest, requestId: string): Promise<unknown> {
  const { Payload: _, ...rest } = input;
  const trace = request.headers["x-amzn-trace-id"];
  return control.invoke.invoke({
    ...(rest as { FunctionName: string }),
    payload: request.body,
    requestId,
    traceId: typeof trace === "string" ? trace : null,
  });
}
