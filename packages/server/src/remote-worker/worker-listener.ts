/**
 * The worker's end: HTTP over TLS, at which control planes of the same installation give their orders. Whoever has no
 * certificate of the installation's authority for a control plane is not heard.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { KeyedCertificate } from "../base/certificates.ts";
import { systemClock } from "../base/clock.ts";
import { ConnectionGate } from "../base/connection-gate.ts";
import { newInvocationId } from "../base/ids.ts";
import { CONTROL_NAME } from "../model/cluster-names.ts";
import type { WorkerContents } from "../ports/worker-contents.ts";
import type { Worker } from "../ports/worker.ts";
import { FRAME, jsonFrame } from "./frames.ts";
import { IncomingCall } from "./incoming-call.ts";
import {
  CALL_BYTES_MAX,
  CONTENT_BYTES_MAX,
  CONTENT_TYPE,
  PROTOCOL,
  PROTOCOL_HEADER,
  type SentFailure,
} from "./protocol.ts";
import { type Hello, serveCall } from "./serve-calls.ts";
import type { WorkerNews } from "./worker-news.ts";

const HANDSHAKE_MS = 10_000;
/** Calls at the same moment have a connection each. */
const CONNECTIONS_MAX = 8192;
/** For connections before they have shown a certificate; those that have are control planes', and count no more. */
const GATE = { strangersMax: 512, burst: 1024, eachMs: 50 };

export interface WorkerListenerOptions {
  readonly worker: Worker;
  readonly workerId: string;
  /** For `workerName(workerId)`. */
  readonly identity: KeyedCertificate;
  /** The certificate of the installation's authority, as PEM. */
  readonly authority: string;
  /** Where the worker writes what control planes ask for; null: elsewhere. */
  readonly news: WorkerNews | null;
  /** What is sent to the worker before it is run; null: the worker has the directories of its control plane. */
  readonly contents: WorkerContents | null;
  readonly onProblem: (what: string, error: unknown) => void;
}

export class WorkerListener {
  readonly #options: WorkerListenerOptions;
  readonly #hello: Hello;
  readonly #server: Server;
  /** Connections of control planes, by the certificate that each was made with. */
  readonly #controls = new WeakSet<object>();

  /** Listens when it resolves. `port` 0: any that is free. */
  static async listen(options: WorkerListenerOptions, host: string, port: number): Promise<WorkerListener> {
    const listener = new WorkerListener(options);
    listener.#server.listen(port, host);
    await once(listener.#server, "listening");
    return listener;
  }

  private constructor(options: WorkerListenerOptions) {
    this.#options = options;
    this.#hello = { workerId: options.workerId, incarnation: newInvocationId() };
    this.#server = createServer(
      {
        ...this.#shown(options.identity),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: HANDSHAKE_MS,
        headersTimeout: HANDSHAKE_MS,
        // A call that may be cancelled stays open, and one without work for it too: the caller hangs up.
        requestTimeout: 0,
        keepAliveTimeout: 0,
      },
      (request, response) => this.#serve(request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    const gate = new ConnectionGate(systemClock, GATE);
    gate.guard(this.#server);
    this.#server.on("secureConnection", (socket) => gate.know(socket));
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Shows another certificate from the next connection on. Those that there are go on. */
  identify(identity: KeyedCertificate): void {
    this.#server.setSecureContext(this.#shown(identity));
  }

  /** Hangs up on everybody; the worker itself goes on. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #shown({ key, certificate }: KeyedCertificate) {
    return { key, cert: certificate, ca: this.#options.authority, minVersion: "TLSv1.3" } as const;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#isControl(request.socket as TLSSocket)) return void request.destroy();
    const name = (request.url ?? "").slice(1);
    const spoken = String(request.headers[PROTOCOL_HEADER] ?? "none");
    if (spoken !== String(PROTOCOL)) return refuse(response, 426, otherProtocol(this.#options.workerId, spoken));
    const sizeBytesMax = name === "content" ? CONTENT_BYTES_MAX : CALL_BYTES_MAX;
    const call = new IncomingCall(request, response, sizeBytesMax);
    const { worker, news, contents, onProblem } = this.#options;
    const served = serveCall(name, { worker, hello: this.#hello, news, contents, onProblem }, call);
    if (served === null) refuse(response, 404, { code: null, message: `a worker has no call ${name}` });
  }

  /**
   * The authority signs for workers, too. Asked at each request, because the first one may be read before a connection
   * that is closed at its handshake.
   */
  #isControl(socket: TLSSocket): boolean {
    if (this.#controls.has(socket)) return true;
    const isNamed = socket.getPeerX509Certificate()?.checkHost(CONTROL_NAME, { subject: "never" }) !== undefined;
    if (isNamed) this.#controls.add(socket);
    return isNamed;
  }
}

function refuse(response: ServerResponse, status: number, failure: SentFailure): void {
  response.writeHead(status, { "Content-Type": CONTENT_TYPE, Connection: "close" });
  response.end(jsonFrame(FRAME.failure, failure));
}

function otherProtocol(workerId: string, spoken: string): SentFailure {
  const message = `The worker ${workerId} speaks protocol ${PROTOCOL} of workers, this server ${spoken}: install the same release of Thaw on both hosts.`;
  return { code: "WORKER_OTHER_PROTOCOL", message };
}
