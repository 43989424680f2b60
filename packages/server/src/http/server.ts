/** The HTTP listener: signatures checked, requests given ids, and handed to the Lambda API or to Thaw's own. */
import {
  presignQuery,
  type SignatureProblem,
  type SigningCredentials,
  verifySignature,
  type WireRequest,
} from "@thaw/aws-api";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { ControlPlane } from "../control/control-plane.ts";
import { ADMIN_PREFIX, type HostDescription, serveAdminApi, type StreamReply } from "./fronts/thaw.ts";
import { serveLambdaApi } from "./fronts/lambda.ts";
import { addHealthRoutes, type Figures, type Health } from "./observability.ts";
import { errorReply, type Reply, replyOfError } from "./reply.ts";

/** A zip of 50 MiB in base64, with room for the rest of the request; objects for S3Bucket/S3Key go up to 256 MiB. */
const BODY_SIZE_BYTES_MAX = 70 * 1024 * 1024;
/** As on AWS. */
const LINK_VALID_S = 600;
const OBJECT_SIZE_BYTES_MAX = 262_144_000;
/** Told to clients (`Keep-Alive: timeout=5`), which so never send on a connection that is being closed; how long an upgrade waits for them. */
export const KEEP_ALIVE_MS = 5000;

export type HttpServer = FastifyInstance;

export interface HttpServerOptions {
  readonly control: ControlPlane;
  /** To sign links with. */
  readonly credentials: SigningCredentials;
  readonly secretOf: (accessKeyId: string) => string | null;
  readonly describeHost: HostDescription;
  readonly health: Health;
  readonly figures: Figures;
  /** Once aborted, each answer is the last of its connection, and streams that follow a log end. */
  readonly draining: AbortSignal;
}

export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { random } = options.control.services;
  const app = fastify({
    bodyLimit: BODY_SIZE_BYTES_MAX,
    genReqId: () => random.uuid(),
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, request, reply) => {
      send(
        reply as FastifyReply,
        request as FastifyRequest,
        errorReply("InvalidRequestContentException", error.message, {}, 400),
      );
    },
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (options.draining.aborted) reply.header("Connection", "close");
    done(null, payload);
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const isTooLarge = error.statusCode === 413;
    const name = isTooLarge ? "RequestEntityTooLargeException" : "InvalidRequestContentException";
    const message = isTooLarge
      ? "Request must be smaller than 70167211 bytes for the CreateFunction operation"
      : error.message;
    send(reply, request, errorReply(name, message, {}, error.statusCode ?? 400));
  });
  app.setNotFoundHandler((request, reply) => {
    send(
      reply,
      request,
      errorReply("UnknownOperationException", `There is nothing at ${request.method} ${request.url}.`),
    );
  });
  app.get(`${ADMIN_PREFIX}health`, (_request, reply) => reply.send({ status: "ok" }));
  addHealthRoutes(app, options.health);
  app.put(`${ADMIN_PREFIX}objects/*`, { bodyLimit: OBJECT_SIZE_BYTES_MAX }, (request, reply) =>
    serve(options, request, reply),
  );
  app.route({
    method: ["GET", "POST", "PUT", "DELETE", "PATCH"],
    url: "/*",
    handler: (request, reply) => serve(options, request, reply),
  });
  return app;
}

async function serve(options: HttpServerOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const wire = toWire(request);
  const refused = checkSignature(options, request, wire);
  if (refused !== null) return send(reply, request, errorReply(refused.name, refused.message, {}, refused.status));
  if (!wire.path.startsWith(ADMIN_PREFIX))
    return send(reply, request, await serveLambdaApi(options.control, wire, request.id, linkTo(options, request)));
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  try {
    return send(reply, request, await serveAdminApi(options, wire, AbortSignal.any([gone.signal, options.draining])));
  } catch (error) {
    return send(reply, request, replyOfError(error, options.control.services.onProblem));
  }
}

/** To the address that the client used. */
function linkTo(options: HttpServerOptions, request: FastifyRequest): (path: string) => string {
  const { scope, clock } = options.control.services;
  const host = request.headers.host ?? "";
  const protocol = request.headers["x-forwarded-proto"] === "https" ? "https" : "http";
  return (path) =>
    `${protocol}://${host}${path}?${presignQuery(path, host, options.credentials, scope.region, clock.nowMs(), LINK_VALID_S)}`;
}

function toWire(request: FastifyRequest): WireRequest {
  const at = request.raw.url?.indexOf("?") ?? -1;
  const url = request.raw.url ?? "/";
  const path = at === -1 ? url : url.slice(0, at);
  const query = at === -1 ? "" : url.slice(at + 1);
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  return { method: request.method, path, query: new URLSearchParams(query), headers: request.headers, body };
}

function checkSignature(
  options: HttpServerOptions,
  request: FastifyRequest,
  wire: WireRequest,
): SignatureProblem | null {
  const { clock, scope } = options.control.services;
  const query = request.raw.url?.split("?")[1] ?? "";
  return verifySignature(
    { ...wire, query },
    { region: scope.region, nowMs: clock.nowMs(), secretOf: options.secretOf },
  );
}

function send(reply: FastifyReply, request: FastifyRequest, answer: Reply | StreamReply): FastifyReply {
  reply.code(answer.status).header("x-amzn-RequestId", request.id).headers(answer.headers);
  return "stream" in answer ? reply.send(answer.stream) : reply.send(answer.body);
}
