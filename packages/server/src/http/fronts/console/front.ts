/**
 * The web console on the listener: its files below /_thaw/console/, and the doors by which its page calls the APIs with
 * a token instead of a signature:
 *
 *   /_thaw/v1/…                           Thaw's own API, with `Authorization: Bearer`
 *   /_thaw/console/api/lambda/…           AWS's Lambda API below its own paths
 *   /_thaw/console/api/cloudformation/    AWS CloudFormation
 */
import { matchOperation } from "@thaw/aws-api";
import { PREFIX } from "@thaw/thaw-api/prefix";
import type { AwsService } from "../../../aws/aws-service.ts";
import type { ConsoleRole, ConsoleSession } from "../../../ports/console-logins.ts";
import { endedWith } from "../../lasting.ts";
import { errorReply, refusalOf, type Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { type Admission, type Front, type FrontContext, withReply } from "../front.ts";
import type { FrontChoice, FrontRule } from "../front-rule.ts";
import { assetReply } from "./assets.ts";
import { type Denial, denialOfPlace, denialOfSource } from "./guard.ts";
import { asAnswer, textPage } from "./headers.ts";
import { hideSecrets, withoutProperties } from "./hide.ts";
import type { ConsoleOptions } from "./options.ts";
import { neededForLambda, neededForRoute, neededForStacks } from "./rights.ts";

const CONSOLE = "/_thaw/console";
const DOORS = `${CONSOLE}/api/`;
const LAMBDA_DOOR = `${DOORS}lambda`;
const STACKS_DOOR = `${DOORS}cloudformation`;
const TOKEN_PATH = `${PREFIX}console/token`;
const BEARER = /^Bearer ([\w.-]+)$/;

export interface ConsoleParts extends ConsoleOptions {
  readonly isTrustedProxy: (address: string) => boolean;
  readonly thaw: Front;
  readonly lambda: Front;
  /** Null where the installation has none. */
  readonly stacks: { readonly service: AwsService; readonly front: Front } | null;
}

/** Takes the console's files and all requests with a token. */
export function consoleRule(parts: ConsoleParts): FrontRule {
  const front = new ConsoleFront(parts);
  const choice: FrontChoice = { services: [], isPublic: true, of: () => front, refuse: refusalOf };
  return ({ path, headers }) => {
    const isOurs = path === CONSOLE || path.startsWith(`${CONSOLE}/`) || path === TOKEN_PATH;
    return isOurs || (path.startsWith(PREFIX) && isBearer(headers)) ? choice : null;
  };
}

function isBearer(headers: WireHead["headers"]): boolean {
  return /^Bearer /i.test(String(headers["authorization"] ?? ""));
}

class ConsoleFront implements Front {
  readonly #parts: ConsoleParts;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
  }

  async admit(head: WireHead, requestId: string): Promise<Admission | Reply> {
    const isApi = head.path.startsWith(PREFIX) || head.path.startsWith(DOORS);
    const place = denialOfPlace(head, this.#parts);
    if (!isApi) return place === null ? this.#page(head) : textPage(place.status, place.message);
    const denial = place ?? denialOfSource(head);
    if (denial !== null) return this.#answer(refused(denial));
    if (head.path === TOKEN_PATH) return this.#answering(await this.#parts.thaw.admit(head, requestId), null);
    const session = this.#sessionOf(head);
    if (session === null)
      return this.#answer(
        errorReply("AccessDeniedException", "The console's token is wrong, ended or revoked: log in again.", {}, 401),
      );
    return this.#answering(await this.#door(head, session, requestId), session, () => this.#sessionOf(head) !== null);
  }

  #page(head: WireHead): Reply {
    if (head.path === CONSOLE) return textPage(308, "The console is below /.", { Location: `${CONSOLE}/` });
    const { assets, buildCommand } = this.#parts;
    if (assets === null) return textPage(503, `The console is not built here. Run: ${buildCommand}`);
    return assetReply(assets, head.path.slice(CONSOLE.length + 1), head);
  }

  #sessionOf({ headers }: WireHead): ConsoleSession | null {
    const [, token] = BEARER.exec(String(headers["authorization"] ?? "")) ?? [];
    return token === undefined ? null : this.#parts.logins.read(token);
  }

  /** Decides by the head whether the role suffices, and by whom the request is carried out. */
  async #door(head: WireHead, session: ConsoleSession, requestId: string): Promise<Admission | Reply> {
    const { thaw, lambda } = this.#parts;
    if (head.path.startsWith(PREFIX)) {
      const { matchRoute } = await import("@thaw/thaw-api");
      const name = matchRoute(head.method, head.path.slice(PREFIX.length))?.name;
      if (name === undefined) return thaw.admit(head, requestId);
      return this.#refusal(session, name, neededForRoute(name), head.path) ?? thaw.admit(head, requestId);
    }
    if (head.path.startsWith(`${LAMBDA_DOOR}/`)) {
      const inner = { ...head, path: head.path.slice(LAMBDA_DOOR.length) };
      const operation = matchOperation(inner.method, inner.path, inner.query)?.operation;
      if (operation === undefined) return lambda.admit(inner, requestId);
      const refusal = this.#refusal(session, operation, neededForLambda(operation), inner.path);
      if (refusal !== null) return refusal;
      const admission = await lambda.admit(inner, requestId);
      return session.role === "admin" ? admission : hideSecrets(admission);
    }
    if (head.path.startsWith(`${STACKS_DOOR}/`)) return this.#stacks(head, session, requestId);
    return errorReply("UnknownOperationException", "The console has no such door.");
  }

  /** The operation is in the body, of which the service itself reads it. */
  async #stacks(head: WireHead, session: ConsoleSession, requestId: string): Promise<Admission | Reply> {
    const { stacks } = this.#parts;
    if (stacks === null) return errorReply("UnknownOperationException", "This server has no AWS CloudFormation.");
    const inner = { ...head, path: head.path.slice(STACKS_DOOR.length), query: new URLSearchParams() };
    const admission = await stacks.front.admit(inner, requestId);
    if ("status" in admission || admission.body !== "whole") return admission;
    const { method, path, query, headers } = inner;
    return {
      ...admission,
      serve: async (body: Buffer, context: FrontContext) => {
        const { protocol } = await stacks.service.load();
        const operation = protocol.match({ method, path, query, headers, body });
        const refusal =
          this.#refusal(session, operation ?? "this", neededForStacks(operation), path) ?? valuesRefusal(session, body);
        if (refusal !== null) return refusal;
        const reply = await admission.serve(body, context);
        return session.role === "admin" ? reply : withoutProperties(reply);
      },
    };
  }

  /** Null where a session may do it; what changes something is told to the log. */
  #refusal(session: ConsoleSession, operation: string, needed: ConsoleRole | null, path: string): Reply | null {
    if (needed === null)
      return errorReply("AccessDeniedException", `${operation} is not for the console: use the command line.`);
    if (needed === "read") return null;
    if (session.role === "read")
      return errorReply("AccessDeniedException", `${operation} changes something, and this login is read-only.`);
    this.#parts.onAct({ session, operation, path: path.slice(0, 300) });
    return null;
  }

  #answering(
    admission: Admission | Reply,
    session: ConsoleSession | null,
    isLoggedIn: () => boolean = () => true,
  ): Admission | Reply {
    if ("status" in admission) return this.#answer(admission);
    const answer = (reply: Reply): Reply => {
      const body = Buffer.isBuffer(reply.body) ? reply.body : endedWith(reply.body, isLoggedIn);
      return this.#answer({ ...reply, body });
    };
    const own = session === null ? {} : { session };
    return { ...withReply(admission, answer), ...own, tooLarge: () => answer(admission.tooLarge()) };
  }

  #answer(reply: Reply): Reply {
    return asAnswer(reply, this.#parts.assets?.build ?? "");
  }
}

/** Values of properties are those of environment variables, among others, which a read-only login does not see. */
function valuesRefusal({ role }: ConsoleSession, body: Buffer): Reply | null {
  const wishes = new URLSearchParams(body.toString("utf8")).getAll("IncludePropertyValues");
  if (role === "admin" || wishes.every((wish) => wish === "false")) return null;
  return errorReply(
    "AccessDeniedException",
    "A read-only login sees no values of properties: ask without IncludePropertyValues.",
  );
}

function refused({ status, message }: Denial): Reply {
  return errorReply("AccessDeniedException", message, {}, status);
}
