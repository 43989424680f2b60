/**
 * Bounds what one connection can have on its way. Node.js parses all requests that lie in what it has read of a
 * connection (64 KiB: 2,000 of the shortest) before it looks at another, and keeps all their answers where the client
 * reads none. No client of Lambda sends a request before it has the answer to its last; some few may overlap where an
 * answer's last byte is there before its end.
 */
import type { EventEmitter } from "node:events";
import type { FastifyRequest, FastifyReply } from "fastify";

/** Requests of one connection without an answer, at most. */
export const PIPELINED_MAX = 8;

type Handle = (request: FastifyRequest["raw"], response: FastifyReply["raw"]) => void;

/** Has a server of Node.js close a connection with more. Its requests' listener must be there already. */
export function boundPipelining(server: EventEmitter): void {
  const unanswered = new WeakMap<FastifyRequest["raw"]["socket"], number>();
  const [listener] = server.listeners("request");
  if (listener === undefined) throw new Error("the server has no listener of requests");
  const bounded: Handle = (request, response) => {
    const { socket } = request;
    const count = (): number => unanswered.get(socket) ?? 0;
    if (count() >= PIPELINED_MAX) {
      // What has been read of it is still parsed, and comes here.
      socket.destroy();
      return;
    }
    unanswered.set(socket, count() + 1);
    response.once("close", () => unanswered.set(socket, count() - 1));
    Reflect.apply(listener, server, [request, response]);
  };
  server.removeAllListeners("request").on("request", bounded);
}
