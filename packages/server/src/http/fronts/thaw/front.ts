/** Thaw's own API below /_thaw/v1/: a request in, checked against its route, carried out, and the answer out. */
import { Readable } from "node:stream";
import {
  matchRoute,
  PREFIX,
  readBody,
  readQuery,
  RequestFormError,
  type RouteForm,
  type RouteMatch,
  type RouteName,
  ROUTES,
} from "@thaw/thaw-api";
import { jsonLine } from "../../../base/lines.ts";
import { ApiError, invalidParameter } from "../../../model/api-error.ts";
import type { Caller } from "../../../model/caller.ts";
import { BodyError } from "../../body.ts";
import { endedWith } from "../../lasting.ts";
import { errorReply, jsonReply, type Reply, replyOfError } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import type { Admission, Front, FrontContext } from "../front.ts";
import { accountHandlers } from "./accounts.ts";
import { concurrencyHandlers } from "./concurrency.ts";
import { consoleHandlers } from "./console.ts";
import { debugHandlers } from "./debugging.ts";
import { environmentHandlers } from "./environments.ts";
import { functionHandlers } from "./functions.ts";
import type { Bytes, Handler, Handlers, ScopedServices, ThawApiServices } from "./handlers.ts";
import { hostHandlers } from "./host.ts";
import { invocationHandlers } from "./invocations.ts";
import { logHandlers } from "./logs.ts";
import { keyHandlers } from "./keys.ts";
import { snapshotHandlers } from "./snapshots.ts";
import { testEventHandlers } from "./test-events.ts";

/** Lines that come together are one write, up to about this length. */
const WRITE_LENGTH = 64 * 1024;

export type OnProblem = (what: string, error: unknown) => void;

/** Creates the front of Thaw's own API. */
export function createThawFront(services: ThawApiServices, onProblem: OnProblem): Front {
  const handlersOf = async (caller: Caller | null): Promise<Handlers> => {
    const { control } = caller === null ? services.scopes.home : await services.scopes.of(caller);
    return createHandlers({ ...services, control });
  };
  // Temporary credentials are those of functions, which are refused.
  const hasKey = (caller: Caller | null): boolean =>
    caller === null || caller.isSession || services.accounts.keyOf(caller.accessKeyId, null) !== null;
  return {
    admit(head) {
      try {
        return admit({ handlersOf, hasKey }, head, onProblem);
      } catch (error) {
        return replyOf(error, onProblem);
      }
    },
  };
}

function createHandlers(services: ScopedServices): Handlers {
  return {
    ...hostHandlers(services),
    ...environmentHandlers(services),
    ...snapshotHandlers(services),
    ...concurrencyHandlers(services),
    ...functionHandlers(services),
    ...keyHandlers(services),
    ...accountHandlers(services),
    ...invocationHandlers(services),
    ...consoleHandlers(services),
    ...logHandlers(services),
    ...debugHandlers(services),
    ...testEventHandlers(services),
  };
}

/** Throws an AccessDeniedException where a route is not for a caller; null: nobody had to sign. */
function checkCaller(form: RouteForm, caller: Caller | null): void {
  if (form.isPublic === true) return;
  if (caller?.kind === "function")
    throw new ApiError("AccessDeniedException", "The credentials of a function are not for Thaw's own API.");
  if (form.isOperators === true && caller?.kind !== "operator")
    throw new ApiError(
      "AccessDeniedException",
      `${form.method} ${form.path} is about the whole installation: only the operator's key may ask for it.`,
    );
}

interface Answerer {
  readonly handlersOf: (caller: Caller | null) => Promise<Handlers>;
  /** False once the key that has signed is no key any more. */
  readonly hasKey: (caller: Caller | null) => boolean;
}

function admit({ handlersOf, hasKey }: Answerer, head: WireHead, onProblem: OnProblem): Admission {
  const match = matchRoute(head.method, head.path.slice(PREFIX.length));
  if (match === null)
    throw new ApiError("UnknownOperationException", `No such route: ${head.method} ${head.path.slice(0, 200)}`);
  const form: RouteForm = ROUTES[match.name];
  const query = readQuery(match.name, head.query);
  const serve = async (body: Buffer, content: Readable, context: FrontContext): Promise<Reply> => {
    try {
      checkCaller(form, context.caller);
      const hasOwnKey = (): boolean => hasKey(context.caller);
      return await run(await handlersOf(context.caller), match, { query, body, content, context, hasOwnKey });
    } catch (error) {
      if (error instanceof BodyError) throw error;
      return replyOf(error, onProblem);
    }
  };
  const limit = {
    bytesMax: form.bodyBytesMax,
    tooLarge: () =>
      errorReply(
        "RequestEntityTooLargeException",
        `The body of ${form.method} ${form.path} must be no larger than ${form.bodyBytesMax} bytes.`,
      ),
  };
  return form.body === "bytes"
    ? { ...limit, body: "stream", serve: (content, context) => serve(Buffer.alloc(0), content, context) }
    : { ...limit, body: "whole", serve: (body, context) => serve(body, Readable.from([]), context) };
}

interface Given {
  readonly query: unknown;
  readonly body: Buffer;
  readonly content: Readable;
  readonly context: FrontContext;
  readonly hasOwnKey: () => boolean;
}

async function run(handlers: Handlers, { name, parameters }: RouteMatch, given: Given): Promise<Reply> {
  // The route's name ties the parts together; the compiler can't follow it through the table.
  const handler = handlers[name] as unknown as Handler<RouteName>;
  const answer: unknown = await handler({
    parameters,
    query: given.query,
    body: readBody(name, given.body),
    content: given.content,
    gone: given.context.untilGone(),
    caller: given.context.caller,
    session: given.context.session,
  } as Parameters<Handler<RouteName>>[0]);
  switch (ROUTES[name].answer.kind) {
    case "json":
      return jsonReply(200, answer);
    case "lines":
      return {
        status: 200,
        headers: { "Content-Type": "application/x-ndjson" },
        body: endedWith(toLines(answer as AsyncIterable<readonly unknown[]>), given.hasOwnKey),
      };
    case "bytes": {
      const { contentType, bytes } = answer as Bytes;
      return { status: 200, headers: { "Content-Type": contentType }, body: bytes };
    }
  }
}

async function* toLines(documents: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  // Sends the head at once: a follower knows then that it misses nothing from here on.
  yield "";
  for await (const together of documents) {
    let text = "";
    for (const document of together) {
      text += jsonLine(document);
      if (text.length < WRITE_LENGTH) continue;
      yield text;
      text = "";
    }
    if (text !== "") yield text;
  }
}

function replyOf(error: unknown, onProblem: OnProblem): Reply {
  return replyOfError(error instanceof RequestFormError ? invalidParameter(error.message) : error, onProblem);
}
