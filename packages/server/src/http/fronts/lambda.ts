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
import { REFUSED } from "../../control/operation-notes.ts";
import type { In } from "../../control/operations.ts";
import { ApiError } from "../../model/api-error.ts";
import { errorReply, type Reply, replyOfError } from "../reply.ts";
import type { FrontContext } from "./front.ts";

/** Makes what answers show by the address that the client used. */
export type Links = Pick<FrontContext, "requestId" | "linkTo" | "addressOf">;

export interface LambdaServices {
  readonly control: Pick<ControlPlane, "operations">;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Never rejects: an error becomes the reply that AWS gives. */
export async function serveLambdaApi(
  { control, onProblem }: LambdaServices,
  match: Match,
  request: WireRequest,
  links: Links,
): Promise<Reply> {
  try {
    return await carryOut(control, match.operation, match, request, links);
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
  links: Links,
): Promise<Reply> {
  const run = operations[operation];
  if (run === undefined) {
    throw new ApiError(
      "NotImplementedException",
      `${operation} is part of the Lambda API, but Thaw does not have it. ${REFUSED[operation] ?? ""}`.trimEnd(),
    );
  }
  const trace = request.headers["x-amzn-trace-id"];
  const traceId = typeof trace === "string" ? trace : null;
  const output = await run(readInput(operation, match, request), {
    requestId: links.requestId,
    body: request.body,
    traceId,
  });
  return serializeOutput(operation, withLinks(output as Readonly<Record<string, unknown>>, links));
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
 * Code.Location of GetFunction, and Content.Location of GetLayerVersion (on AWS, too, whoever has the link may read the
 * package for ten minutes), and the addresses of function URLs in the place of their ids.
 */
function withLinks(output: Readonly<Record<string, unknown>>, links: Links): Readonly<Record<string, unknown>> {
  for (const name of ["Code", "Content"]) {
    const code = output[name] as { readonly Location?: string } | undefined;
    if (code?.Location !== undefined) return { ...output, [name]: { ...code, Location: links.linkTo(code.Location) } };
  }
  if (Array.isArray(output["FunctionUrlConfigs"]))
    return { ...output, FunctionUrlConfigs: output["FunctionUrlConfigs"].map((each) => withLinks(each, links)) };
  const urlId = output["FunctionUrl"];
  return typeof urlId === "string" ? { ...output, FunctionUrl: links.addressOf(urlId) } : output;
}
