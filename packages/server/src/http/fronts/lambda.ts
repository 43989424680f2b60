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
import { REFUSED } from "../../control/operation-notes.ts";
import type { In, Operation } from "../../control/operations.ts";
import { ApiError } from "../../model/api-error.ts";
import type { Caller } from "../../model/caller.ts";
import { errorReply, type Reply, replyOfError } from "../reply.ts";
import type { Scopes } from "../scopes.ts";
import type { FrontContext } from "./front.ts";
import { controlFor } from "./other-accounts.ts";

/** Makes what answers show by the address that the client used. */
export type Links = Pick<FrontContext, "requestId" | "linkTo" | "addressOf">;

/** A signed request. */
export interface SignedContext extends Links {
  readonly caller: Caller;
}

export interface LambdaServices {
  readonly scopes: Scopes;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Never rejects: an error becomes the reply that AWS gives. */
export async function serveLambdaApi(
  { scopes, onProblem }: LambdaServices,
  match: Match,
  request: WireRequest,
  context: SignedContext,
): Promise<Reply> {
  try {
    return await carryOut(scopes, match.operation, match, request, context);
  } catch (error) {
    if (error instanceof SerializationError) return errorReply("SerializationException", error.message);
    return replyOfError(error, onProblem);
  }
}

async function carryOut<O extends OperationName>(
  scopes: Scopes,
  operation: O,
  match: Match,
  request: WireRequest,
  context: SignedContext,
): Promise<Reply> {
  // The operations of all scopes are the same.
  if (scopes.home.control.operations[operation] === undefined) {
    throw new ApiError(
      "NotImplementedException",
      `${operation} is part of the Lambda API, but Thaw does not have it. ${REFUSED[operation] ?? ""}`.trimEnd(),
    );
  }
  const input = readInput(operation, match, request);
  const control = await controlFor(scopes, context.caller, operation, input as Readonly<Record<string, unknown>>);
  const run = control.operations[operation] as Operation<O>;
  const trace = request.headers["x-amzn-trace-id"];
  const traceId = typeof trace === "string" ? trace : null;
  const output = await run(input, {
    requestId: context.requestId,
    body: request.body,
    traceId,
  });
  return serializeOutput(operation, withLinks(output as Readonly<Record<string, unknown>>, context));
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
  return typeof urlId === "string" ? { ...output, FunctionUrl: links.addressOf("lambda-url", urlId) } : output;
}
