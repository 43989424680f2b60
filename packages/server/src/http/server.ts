/**
 * The HTTP listener. A request is judged by its head first (the signature's claim, route, size). Its body is read
 * within limits, and the request is carried out only if all of it is signed.
 */
import { Readable } from "node:stream";
import { type Claim, presignQuery, readClaim, type SignatureProblem, type SigningCredentials } from "@thaw/aws-api";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type CallerKey, callerOf } from "../model/caller.ts";
import type { Accounts } from "../ports/accounts.ts";
import type { Debugging } from "../ports/debugging.ts";
import { BodyBudget, BodyError, type BodyLimits, checkAnnounced, readStream, readWhole } from "./body.ts";
import type { Admission, FrontContext } from "./fronts/front.ts";
import type { ConsoleOptions } from "./fronts/console/options.ts";
import type { OnProblem } from "./fronts/thaw/front.ts";
import type { ThawApiServices } from "./fronts/thaw/handlers.ts";
import type { ChooseFront } from "./fronts/front-rule.ts";
import { createFronts } from "./fronts.ts";
import { addHealthRoutes, type Figures, type Health } from "./observability.ts";
import { answerUnreadable } from "./unreadable.ts";
import { boundPipelining } from "./pipelining.ts";
import { errorReply, type Refusal, type Reply, replyOfError } from "./reply.ts";
import type { Scopes } from "./scopes.ts";
import { addressOf, type AddressRules } from "./fronts/host-address.ts";
import { HOST_PATHS, type HostLabel, hostTargetOf } from "./fronts/host-target.ts";
import { hostNameOf, readHead, type WireHead } from "./wire-head.ts";

/** Life of a link, as on AWS. */
const LINK_VALID_S = 600;
/**
 * Life of an idle connection. Clients are told (`Keep-Alive: timeout=5`) and never send on one that is being closed; an
 * upgrade waits as long for them.
 */
export const KEEP_ALIVE_MS = 5000;
/** After the refusal of a request whose body is still coming, the time that its client has to read it. */
const LINGER_MS = 2000;
/** Bodies that are read and dropped at the same time; they take the time of all other requests. */
const LINGERING_MAX = 8;

/** Limits of what clients can hold of the server. */
export interface ListenerLimits {
  readonly connectionsMax: number;
  /** Bytes of bodies in memory, of all requests. */
  readonly bodyBytesMax: number;
  /** Time for a request's head. */
  readonly headersMs: number;
  /** Time for a whole request; its answer may take longer. */
  readonly requestMs: number;
  /** Time without a byte of a body. */
  readonly bodyIdleMs: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  connectionsMax: 4096,
  bodyBytesMax: 256 * 1024 * 1024,
  headersMs: 10_000,
  requestMs: 300_000,
  bodyIdleMs: 15_000,
};

export type HttpServer = FastifyInstance;

export interface HttpServerOptions {
  readonly scopes: Scopes;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly random: Random;
  /** Credentials that sign links: the operator's, who may read what any link leads to. */
  readonly credentials: SigningCredentials;
  readonly describeHost: ThawApiServices["describeHost"];
  readonly health: Health;
  readonly figures: Figures;
  /** Once aborted, each answer is the last of its connection, and streams that follow a log end. */
  readonly draining: AbortSignal;
  readonly onProblem: OnProblem;
  readonly functionUrls: FunctionUrlOptions;
  readonly console: ConsoleOptions;
  readonly debugging: Debugging;
  readonly limits?: Partial<ListenerLimits>;
  /**
   * True for a listener that functions alone reach: it has AWS's services and nothing else, for the credentials that
   * functions have.
   */
  readonly isForFunctions?: boolean;
}

/** Settings of function URLs. */
export interface FunctionUrlOptions extends Omit<AddressRules, "region"> {
  /** Whether an address is that of a proxy whose X-Forwarded headers are believed. */
  readonly isTrustedProxy: (address: string) => boolean;
}

/** Route of all requests to function URLs, whose own paths and escapes are the functions'. */
const WITH_OWN_HOSTS = "/_thaw/own-hosts";
const HOST_LABELS = Object.keys(HOST_PATHS) as HostLabel[];

/** Creates the listener; it listens when its caller says so. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const limits = { ...DEFAULT_LISTENER_LIMITS, ...options.limits };
  const app = fastify({
    genReqId: () => options.random.uuid(),
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: limits.requestMs,
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: Math.min(limits.headersMs, 5000) },
    routerOptions: { maxParamLength: 4096 },
    // Its compilers of schemas keep 15 MiB, and no route here has a schema.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    rewriteUrl: (request) => routeOf(request.headers.host, request.url ?? "/"),
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, options.random.uuid()),
    frameworkErrors: (error, request, reply) => {
      const unreadable = request as FastifyRequest;
      const refused = listener.refuseTarget(unreadable, error.message);
      void refused.then((answer) => send(reply as FastifyReply, unreadable, answer));
    },
  });
  const listener = new Listener(options, limits);
  app.server.maxConnections = limits.connectionsMax;
  boundPipelining(app.server);
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (options.draining.aborted) reply.header("Connection", "close");
    done(null, payload);
  });
  // Bodies are left on the connection: the head decides first whether and how they are read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) =>
    send(reply, request, errorReply("InvalidRequestContentException", error.message, {}, error.statusCode ?? 400)),
  );
  app.setNotFoundHandler((request, reply) =>
    send(
      reply,
      request,
      errorReply("UnknownOperationException", `There is nothing at ${request.method} ${request.originalUrl}.`),
    ),
  );
  if (options.isForFunctions !== true) addHealthRoutes(app, options.health);
  app.route({
    method: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"],
    url: "/*",
    exposeHeadRoute: false,
    // Before the framework looks at the content type, which an object may have any of.
    onRequest: (request, reply) => listener.serve(request, reply),
    handler: () => Promise.reject(new Error("a request was not answered")),
  });
  app.route({
    method: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"],
    url: WITH_OWN_HOSTS,
    exposeHeadRoute: false,
    // Before the framework looks at the content type, which is the function's matter.
    onRequest: (request, reply) => listener.serve(request, reply),
    handler: () => Promise.reject(new Error("a request to a function URL or an HTTP API was not answered")),
  });
  return app;
}

function noSchemas(): never {
  throw new Error("no route of the server has a schema");
}

/** The target that the router sees. */
function routeOf(host: string | undefined, target: string): string {
  const [path = ""] = target.split("?", 1);
  const head = { hostName: hostNameOf(host), path };
  return HOST_LABELS.some((label) => hostTargetOf(head, label) !== null) ? WITH_OWN_HOSTS : target;
}

const NOT_A_FUNCTIONS: Refusal = {
  name: "AccessDeniedException",
  status: 403,
  message:
    "At this address functions call AWS's services with the credentials of their environment. " +
    "This is another key: leave it out, or let the function reach the server's own port (--allow-host).",
};

/** A request whose head has passed. */
interface Admitted {
  readonly admission: Admission;
  readonly claim: Claim<CallerKey> | null;
  /** Forms a refusal of the listener, such as that of its signature. */
  readonly refuse: (problem: Refusal) => Reply | Promise<Reply>;
}

class Listener {
  readonly #options: HttpServerOptions;
  readonly #limits: ListenerLimits;
  readonly #chooseFront: ChooseFront;
  readonly #budget: BodyBudget;
  #lingering = 0;

  constructor(options: HttpServerOptions, limits: ListenerLimits) {
    this.#options = options;
    this.#limits = limits;
    const services = { ...options, keys: options.accounts, ...options.functionUrls };
    const { all, forFunctions } = createFronts(services, options.onProblem);
    this.#chooseFront = options.isForFunctions === true ? forFunctions : all;
    this.#budget = new BodyBudget(limits.bodyBytesMax);
  }

  async serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const head = headOf(request);
    const admitted = (head.values["host"]?.length ?? 0) > 1 ? twoHosts() : await this.#admit(head, request.id);
    if ("status" in admitted) {
      this.#linger(request, reply);
      return send(reply, request, admitted);
    }
    const session = admitted.admission.session ?? null;
    const caller = admitted.claim === null ? (session?.caller ?? null) : callerOf(admitted.claim);
    const region = caller?.region ?? this.#homeRegion;
    const context: FrontContext = {
      requestId: request.id,
      caller,
      session,
      payload: admitted.claim?.payload ?? null,
      untilGone: () => this.#untilGone(reply),
      linkTo: (path) => this.#linkTo(request, path),
      addressOf: (label, id) => addressOf(label, id, head, { region, ...this.#options.functionUrls }),
    };
    const answer = await this.#carryOut(admitted, request, context);
    this.#linger(request, reply);
    return send(reply, request, answer);
  }

  /** Refuses a request whose target the router can't read, in the words of the service that it is for. */
  async refuseTarget(request: FastifyRequest, message: string): Promise<Reply> {
    const refusal = { name: "InvalidRequestContentException", status: 400, message, reason: "target" } as const;
    return this.#chooseFront(headOf(request)).refuse(refusal, request.id);
  }

  get #homeRegion(): string {
    return this.#options.scopes.home.control.scope.region;
  }

  #untilGone(reply: FastifyReply): AbortSignal {
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    return AbortSignal.any([gone.signal, this.#options.draining]);
  }

  /** Decides by the head alone; a Reply is a refusal. */
  async #admit(head: WireHead, requestId: string): Promise<Admitted | Reply> {
    const choice = this.#chooseFront(head);
    const refuse = (problem: Refusal): Reply | Promise<Reply> => choice.refuse(problem, requestId);
    const claim = choice.isPublic ? null : this.#readClaim(head, choice.services);
    if (claim !== null && "status" in claim) return refuse(claim);
    if (this.#options.isForFunctions === true && claim !== null && claim.key.kind !== "function")
      return refuse(NOT_A_FUNCTIONS);
    const admission = await choice.of(claim?.service ?? "").admit(head, requestId);
    return "status" in admission ? admission : { admission, claim, refuse };
  }

  #readClaim(head: WireHead, services: readonly string[]): Claim<CallerKey> | SignatureProblem {
    const { scopes, clock, accounts } = this.#options;
    return readClaim(head.signed, {
      regions: scopes.regions,
      services,
      nowMs: clock.nowMs(),
      keyOf: (id, token) => accounts.keyOf(id, token),
    });
  }

  async #carryOut(
    { admission, claim, refuse }: Admitted,
    request: FastifyRequest,
    context: FrontContext,
  ): Promise<Reply> {
    const { clock, onProblem } = this.#options;
    const limits: BodyLimits = { bytesMax: admission.bytesMax, idleMs: this.#limits.bodyIdleMs, clock };
    try {
      return admission.body === "stream"
        ? await serveStream(admission, claim, refuse, request, limits, context)
        : await this.#serveWhole(admission, claim, refuse, request, limits, context);
    } catch (error) {
      return error instanceof BodyError ? replyOfBody(error, admission, refuse) : replyOfError(error, onProblem);
    }
  }

  async #serveWhole(
    admission: Extract<Admission, { body: "whole" }>,
    claim: Claim | null,
    refuse: Admitted["refuse"],
    request: FastifyRequest,
    limits: BodyLimits,
    context: FrontContext,
  ): Promise<Reply> {
    const held = await readWhole(request.raw, limits, this.#budget);
    try {
      const problem = claim?.verify(held.sha256) ?? null;
      return problem === null ? await admission.serve(held.content, context) : refuse(problem);
    } finally {
      held.release();
    }
  }

  /**
   * The rest of the body is read and dropped, so that the client sees the answer; not for long, and not for many at
   * once: one more is cut off when it has been answered.
   */
  #linger({ raw }: FastifyRequest, reply: FastifyReply): void {
    if (raw.complete) return;
    if (this.#lingering >= LINGERING_MAX) {
      reply.header("Connection", "close");
      reply.raw.once("finish", () => raw.socket.destroySoon());
      return;
    }
    this.#lingering++;
    raw.resume();
    const stop = this.#options.clock.after(LINGER_MS, () => {
      if (!raw.complete) raw.socket.destroy();
    });
    raw.once("close", () => {
      this.#lingering--;
      stop();
    });
  }

  /** A link to the address that the client used. */
  #linkTo(request: FastifyRequest, path: string): string {
    const { credentials, clock } = this.#options;
    const region = this.#homeRegion;
    const host = request.headers.host ?? "";
    const protocol = request.headers["x-forwarded-proto"] === "https" ? "https" : "http";
    return `${protocol}://${host}${path}?${presignQuery(path, host, credentials, region, clock.nowMs(), LINK_VALID_S)}`;
  }
}

/** The head as it was sent: the router may have seen another target. */
function headOf({ method, originalUrl, headers, raw }: FastifyRequest): WireHead {
  const connection = { protocol: `HTTP/${raw.httpVersion}`, remoteAddress: raw.socket.remoteAddress ?? "" };
  const values = raw.headersDistinct as WireHead["values"];
  return readHead(method, originalUrl, headers, values, connection, raw.rawHeaders);
}

/** Node.js would take the first: another reader of the same request may take the last. */
function twoHosts(): Reply {
  return errorReply("InvalidRequestContentException", "A request must have one Host header.", {}, 400);
}

/** The signature is verified at the end of the stream, whose reader keeps nothing where it fails. */
async function serveStream(
  admission: Extract<Admission, { body: "stream" }>,
  claim: Claim | null,
  refuse: Admitted["refuse"],
  request: FastifyRequest,
  limits: BodyLimits,
  context: FrontContext,
): Promise<Reply> {
  checkAnnounced(request.raw, limits);
  let isVerified = false;
  let problem: SignatureProblem | null = null;
  const isRight = (sha256: string): boolean => {
    isVerified = true;
    problem = claim?.verify(sha256) ?? null;
    return problem === null;
  };
  const reply = await admission.serve(readStream(request.raw, limits, isRight), context).catch((error: unknown) => {
    if (error instanceof BodyError && problem !== null) return refuse(problem);
    throw error;
  });
  // Whatever was done without the end of the body was done without a signature.
  if (!isVerified && reply.status < 300) throw new Error("a request was carried out before it was verified");
  return reply;
}

function replyOfBody(error: BodyError, admission: Admission, refuse: Admitted["refuse"]): Reply | Promise<Reply> {
  switch (error.kind) {
    case "too large":
      return admission.tooLarge();
    case "no room":
      return refuse({ name: "TooManyRequestsException", status: 429, message: error.message });
    case "cut off":
    case "not signed":
      return refuse({ name: "InvalidRequestContentException", status: 400, message: error.message });
  }
}

function send(reply: FastifyReply, request: FastifyRequest, { status, headers, body }: Reply): FastifyReply {
  // A response whose client has left is read to its end all the same: its function would wait for a reader.
  if (reply.raw.destroyed && !Buffer.isBuffer(body)) void drop(body);
  reply.code(status).header("x-amzn-RequestId", request.id);
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  return reply.send(Buffer.isBuffer(body) || body instanceof Readable ? body : Readable.from(body));
}

async function drop(body: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of body);
  } catch {
    // Nobody is there to be told.
  }
}
