/**
 * The server's end of a join: HTTP over TLS, at which a worker gets the authority's certificate, and one of its own for
 * a join token or for the certificate that it has.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { certify, type KeyedCertificate } from "../base/certificates.ts";
import { ConnectionGate } from "../base/connection-gate.ts";
import type { Clock } from "../base/clock.ts";
import { workerName } from "../model/cluster-names.ts";
import { issueForJoining } from "./installation-authority.ts";
import {
  JOIN_BYTES_MAX,
  JOIN_PROTOCOL,
  JOIN_PROTOCOL_HEADER,
  readWish,
  type SentCertificate,
  type SentRefusal,
  WORKER_LIFETIME_MS,
} from "./join-protocol.ts";
import { certificateDigest } from "./join-token.ts";
import { JoinRefused, type Membership } from "./membership.ts";

const HANDSHAKE_MS = 10_000;
const REQUEST_MS = 20_000;
/** Anybody may connect; workers join a few at a time. One more ends the oldest, so that none keeps others out. */
const CONNECTIONS_MAX = 64;
/** Hosts behind one address that join together, and what each costs: a signature of the server's. */
const GATE = { strangersMax: CONNECTIONS_MAX, burst: 32, eachMs: 250 };

export interface JoinListenerOptions {
  readonly authority: KeyedCertificate;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}

type Wished = NonNullable<ReturnType<typeof readWish>>;

export class JoinListener {
  readonly #options: JoinListenerOptions;
  readonly #server: Server;

  /** Listens when it resolves. `port` 0: any that is free. */
  static async listen(options: JoinListenerOptions, host: string, port: number): Promise<JoinListener> {
    const own = await issueForJoining(options.authority, options.clock.nowMs());
    const listener = new JoinListener(options, own);
    listener.#server.listen(port, host);
    await once(listener.#server, "listening");
    return listener;
  }

  private constructor(options: JoinListenerOptions, own: KeyedCertificate) {
    this.#options = options;
    this.#server = createServer(
      {
        key: own.key,
        cert: own.certificate,
        ca: options.authority.certificate,
        // A worker that joins has none yet.
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: "TLSv1.3",
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HANDSHAKE_MS,
        requestTimeout: REQUEST_MS,
      },
      (request, response) => void this.#serve(request, response),
    );
    // Those that the gate ends are gone a moment later.
    this.#server.maxConnections = 2 * CONNECTIONS_MAX;
    new ConnectionGate(options.clock, GATE).guard(this.#server);
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A request whose body is left loses it.
    const socket = request.socket as TLSSocket;
    try {
      if (request.method === "GET" && request.url === "/authority")
        return answer(response, 200, this.#options.authority.certificate);
      answer(response, 200, JSON.stringify(await this.#issue(request, socket)));
    } catch (error) {
      if (error instanceof RequestCut) return void socket.destroy();
      if (error instanceof JoinRefused) return refuse(response, 403, error.message);
      this.#options.onProblem("take a worker in", error);
      refuse(response, 500, "The server could not take the worker in; its log has the details.");
    }
  }

  async #issue(request: IncomingMessage, socket: TLSSocket): Promise<SentCertificate> {
    // All of it, even for a refusal: who hangs up on bytes that were not read may take the answer with them.
    const body = await readBody(request);
    checkProtocol(request);
    const wished = readWish(parse(body));
    if (wished === null) throw new JoinRefused("This is no request of a worker that this release understands.");
    if (request.url === "/join") return this.#join(wished);
    if (request.url === "/renew") return this.#renew(wished, socket);
    throw new JoinRefused("There is no such request: expected /join or /renew.");
  }

  async #join({ wish, publicKey }: Wished): Promise<SentCertificate> {
    const { membership } = this.#options;
    const token = { id: wish.by, secret: wish.secret ?? "" };
    membership.checkToken(token);
    const workerId = membership.newWorkerId();
    const { certificate, certifiedUntilMs } = await this.#sign(publicKey, workerId);
    // After the signature: who is refused here has nothing, and the token is used by one of two that come together.
    const digest = certificateDigest(certificate);
    membership.join(token, { workerId, address: wish.address, certifiedUntilMs, certificate: digest });
    return { workerId, certificate };
  }

  async #renew({ wish, publicKey }: Wished, socket: TLSSocket): Promise<SentCertificate> {
    const workerId = wish.by;
    const peer = socket.getPeerX509Certificate();
    if (!socket.authorized || peer?.checkHost(workerName(workerId), { subject: "never" }) === undefined)
      throw new JoinRefused(
        "A certificate is renewed only with one of the same worker that is still in force: join again with a token.",
      );
    const { membership } = this.#options;
    const renewing = { workerId, address: wish.address, seen: certificateDigest(peer) };
    membership.checkRenewal(renewing);
    const { certificate, certifiedUntilMs } = await this.#sign(publicKey, workerId);
    membership.renew(renewing, { certifiedUntilMs, certificate: certificateDigest(certificate) });
    return { workerId, certificate };
  }

  async #sign(publicKey: string, workerId: string): Promise<{ certificate: string; certifiedUntilMs: number }> {
    const { authority, clock } = this.#options;
    const nowMs = clock.nowMs();
    const wish = { name: workerName(workerId), nowMs, lifetimeMs: WORKER_LIFETIME_MS };
    // Of a client: to renew it. What a worker may do is by its name.
    const certificate = await certify(publicKey, wish, ["server", "client"], authority);
    return { certificate, certifiedUntilMs: nowMs + WORKER_LIFETIME_MS };
  }
}

/** Ends the connection without an answer. */
class RequestCut extends Error {}

function checkProtocol({ headers }: IncomingMessage): void {
  const spoken = String(headers[JOIN_PROTOCOL_HEADER] ?? "none");
  if (spoken !== String(JOIN_PROTOCOL))
    throw new JoinRefused(
      `The server speaks protocol ${JOIN_PROTOCOL} of joins, the worker ${spoken}: install the same release of Thaw on both hosts.`,
    );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      sizeBytes += piece.length;
      if (sizeBytes > JOIN_BYTES_MAX) break;
      pieces.push(piece);
    }
  } catch {
    throw new RequestCut();
  }
  if (sizeBytes > JOIN_BYTES_MAX) throw new RequestCut();
  return Buffer.concat(pieces).toString("utf8");
}

/** Null: it is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function refuse(response: ServerResponse, status: number, refused: string): void {
  const refusal: SentRefusal = { refused };
  answer(response, status, JSON.stringify(refusal));
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { Connection: "close" });
  response.end(text);
}
