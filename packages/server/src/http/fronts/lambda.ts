/** The Lambda API: a request in, checked against the model, carried out, and AWS's answer out. */
import {
  parseInput,
  SerializationError,
  serializeOutput,
  validate,
  OPERATIONS,
  type Match,
  type OperationName,
  type WireRequest,
} from "@thaw/aws-api";
import type { ControlPlane } from "../../control/control-plane.ts";
import type { In } from "../../control/operations.ts";
import { ApiError } from "../../model/api-error.ts";
import { errorReply, type Reply, replyOfError } from "../reply.ts";

/** A link that needs no credentials, to a path of Thaw's own API. */
export type LinkTo = (path: string) => string;

export interface LambdaServices {
  readonly control: Pick<ControlPlane, "operations">;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Never rejects: an error becomes the reply that AWS gives. */
export async function serveLambdaApi(
  { control, onProblem }: LambdaServices,
  match: Match,
  request: WireRequest,
  requestId: string,
  linkTo: LinkTo,
): Promise<Reply> {
  try {
    return await carryOut(control, match.operation, match, request, requestId, linkTo);
  } catch (error) {
    if (error instanceof SerializationError) return errorReply("SerializationException", error.message);
    return replyOfError(error, onProblem);
  }
}

async function carryOut<O extends OperationName>(
  { operations }: LambdaServices["control"],
  operation: O,
  match: Match,
  request: WireRequest,
  requestId: string,
  linkTo: LinkTo,
): Promise<Reply> {
  const run = operations[operation];
  if (run === undefined) {
    throw new ApiError(
      "NotImplementedException",
      `${operation} is part of the Lambda API, but Thaw does not have it yet.`,
    );
  }
  const trace = request.headers["x-amzn-trace-id"];
  const traceId = typeof trace === "string" ? trace : null;
  const output = await run(readInput(operation, match, request), { requestId, body: request.body, traceId });
  return serializeOutput(operation, withLink(output as Readonly<Record<string, unknown>>, linkTo));
}

/** Reads an operation's input and checks it against the model. Throws ValidationException where it is another one. */
function readInput<O extends OperationName>(operation: O, match: Match, request: WireRequest): In<O> {
  const input = parseInput(match, request);
  const shape = OPERATIONS[operation].input;
  const problem = shape === null ? null : validate(shape, input);
  if (problem !== null) throw new ApiError("ValidationException", problem);
  // The types and the check come from the same model.
  return input as In<O>;
}

/**
 * Code.Location of GetFunction, and Content.Location of GetLayerVersion: on AWS, too, whoever has the link may read the
 * package for ten minutes.
 */
function withLink(output: Readonly<Record<string, unknown>>, linkTo: LinkTo): Readonly<Record<string, unknown>> {
  for (const name of ["Code", "Content"]) {
    const code = output[name] as { readonly Location?: string } | undefined;
    if (code?.Location !== undefined) return { ...output, [name]: { ...code, Location: linkTo(code.Location) } };
  }
  return output;
}
