/**
 * The answer to what is no HTTP request, or not all of one in time. Clients of AWS read it as any other refusal; the
 * parser's own has neither a code nor a request id.
 */
import type { FastifyServerOptions } from "fastify";
import { errorReply } from "./reply.ts";

type Socket = Parameters<NonNullable<FastifyServerOptions["clientErrorHandler"]>>[1];

const REFUSALS: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The request line and the headers are too large."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["413 Content Too Large", "The extensions of a chunk are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request did not come in time."],
};
const OTHERS = ["400 Bad Request", "The request is not valid HTTP."] as const;

/** Answers, where nothing of another answer is under way, and ends the connection. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  // As Node.js does it: an answer in the middle of another one would be taken for a part of it.
  const { _httpMessage: underWay } = socket as Socket & { _httpMessage?: { readonly headersSent: boolean } | null };
  if (!socket.writable || error.code === "ECONNRESET" || underWay?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [status, message] = REFUSALS[error.code ?? ""] ?? OTHERS;
  const { headers, body } = errorReply("InvalidRequestContentException", message);
  const lines = Object.entries({
    ...headers,
    "x-amzn-RequestId": requestId,
    "Content-Length": String((body as Buffer).length),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.write(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${String(body)}`);
  // A client that does not close its side would keep the connection.
  socket.destroySoon();
}
