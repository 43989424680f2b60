/** Answers as AWS forms them: error bodies, error headers, request ids. */
import type { Readable } from "node:stream";
import { ERRORS, type SignatureProblem, type WireResponse } from "@thaw/aws-api";
import { ApiError, type ErrorMembers } from "../model/api-error.ts";
import { ThawError } from "../model/platform-errors.ts";

export interface Reply {
  readonly status: number;
  /** A header with several values is sent once for each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** A stream is sent as fast as the client takes it, and ended when the client has gone. */
  readonly body: Buffer | Readable | AsyncIterable<Uint8Array | string>;
}

/** Makes a reply of a protocol's response. */
export function toReply({ status, headers, body }: WireResponse): Reply {
  return { status, headers, body };
}

interface Form {
  readonly status: number;
  readonly messageMember: string;
  readonly fault: string;
}

/** Errors of AWS's front end, which the Lambda model does not list. */
const UNMODELLED: Readonly<Record<string, Form>> = {
  ValidationException: { status: 400, messageMember: "message", fault: "front" },
  SerializationException: { status: 400, messageMember: "Message", fault: "front" },
  AccessDeniedException: { status: 403, messageMember: "Message", fault: "front" },
  RequestEntityTooLargeException: { status: 413, messageMember: "message", fault: "front" },
  UnknownOperationException: { status: 404, messageMember: "message", fault: "front" },
  // Not AWS's 501: clients try a 5xx again and again, and an operation that is missing would look like a hang.
  NotImplementedException: { status: 400, messageMember: "message", fault: "front" },
};

/** An empty message is null in the body: AWS has errors without a text. */
export function errorReply(name: string, message: string, extra: ErrorMembers = {}, statusGiven?: number): Reply {
  const form: Form | undefined = (ERRORS as Readonly<Record<string, Form>>)[name] ?? UNMODELLED[name];
  const fault = form?.fault ?? "front";
  const type = fault === "front" ? {} : { Type: fault === "server" ? "Service" : "User" };
  const members = Object.entries({ ...type, ...extra }).filter(([, value]) => value !== null);
  const body = {
    ...Object.fromEntries(members),
    [form?.messageMember ?? "message"]: message === "" ? null : message,
  };
  return {
    status: statusGiven ?? form?.status ?? 400,
    headers: { "Content-Type": "application/json", "X-Amzn-ErrorType": name },
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** What the listener refuses for any API; each front forms it as its clients read it. */
export interface Refusal {
  /** As Lambda calls it. */
  readonly name: string;
  readonly status: number;
  readonly message: string;
  /** `target`: the path has escapes that can't be decoded. */
  readonly reason?: SignatureProblem["reason"] | "target";
}

/** Gives a refusal as Lambda's clients read it. */
export function refusalOf({ name, message, status }: Refusal): Reply {
  return errorReply(name, message, {}, status);
}

/** What a client is told of a failure that is the server's own. */
export const INTERNAL_ERROR = "An internal error occurred. The server's log has the details.";

/** Turns an error into the reply that AWS gives; one that is no refusal goes to `onProblem`, too. */
export function replyOfError(error: unknown, onProblem: (what: string, error: unknown) => void): Reply {
  if (error instanceof ApiError) return errorReply(error.name, error.message, error.extra);
  const code = (error as NodeJS.ErrnoException | null)?.code;
  onProblem("request", error);
  if (code === "ENOSPC") return errorReply("ServiceException", "The host's disk is full.");
  if (error instanceof ThawError) return errorReply("ServiceException", error.publicMessage);
  return errorReply("ServiceException", INTERNAL_ERROR);
}

/** Gives one JSON document on a line of its own. */
export function jsonReply(status: number, value: unknown): Reply {
  return { status, headers: { "Content-Type": "application/json" }, body: Buffer.from(`${JSON.stringify(value)}\n`) };
}
