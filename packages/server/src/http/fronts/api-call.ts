/** What the fronts of HTTP APIs and of REST APIs share. */
import type { Reply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";

/** Name of the service in scopes of signatures, and label of the host names. */
export const EXECUTE_API = "execute-api";
/** AWS's limit of a request; that of the event, 6 MB, is reached first unless the body is short. */
export const BODY_BYTES_MAX = 10 * 1024 * 1024;
const REASON = "X-Thaw-Reason";
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

/** The reason of an error is in a header of Thaw's own: AWS keeps it in its logs. None where it is null. */
export function reasonHeader(why: string | null): Readonly<Record<string, string>> {
  return why === null ? {} : { [REASON]: why.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 500) };
}

/** Empty where a reply has no reason. */
export function reasonOf({ headers }: Reply): string {
  return String(headers[REASON] ?? "");
}

/** Bytes of a body that is there. */
export function lengthOf({ body }: Reply): string {
  return Buffer.isBuffer(body) ? String(body.length) : "";
}

/** Whoever is on this machine is told why; others, also behind a proxy, are told no more than by AWS. */
export function withoutReason(reply: Reply, { connection, values }: WireHead): Reply {
  const isNear = LOOPBACK.test(connection.remoteAddress) && values["x-forwarded-for"] === undefined;
  if (isNear || reply.headers[REASON] === undefined) return reply;
  const { [REASON]: _, ...headers } = reply.headers;
  return { ...reply, headers };
}
