/**
 * The service door's listener: TLS on a port of the host's loopback, to which sandboxd translates port 443 of
 * `host.thaw.internal`. Every function can connect to it, so it hears nobody while no address is open, and an address
 * is 256 bits that only the function that is to answer was told.
 */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { KeyedCertificate } from "../base/certificates.ts";
import type { Clock } from "../base/clock.ts";
import { ANSWER_BYTES_MAX, type OpenAddress, type ServiceDoor } from "../ports/service-door.ts";
import { issueFor } from "./authority.ts";

export const DOOR_HOST = "host.thaw.internal";
const PATH = "/answers/";
/**
 * Connections at the same time. One more ends the oldest: an answer takes some milliseconds, so what a function leaves
 * open takes the door from no other. All of them come from the host's own address, so there is no limit for each.
 */
const CONNECTIONS_MAX = 64;
/** Time of a connection, from its first byte to the end of its answer. */
const CONNECTION_MS = 30_000;

export interface DoorOptions {
  readonly authority: KeyedCertificate;
  /** At least 32 bytes that stay the same over all starts: addresses are derived from them. */
  readonly secret: Buffer;
  readonly clock: Clock;
}

interface Opened {
  readonly resolve: (body: Buffer) => void;
  readonly address: OpenAddress;
}

export class ListeningDoor implements ServiceDoor {
  readonly #options: DoorOptions;
  readonly #opened = new Map<string, Opened>();
  /** Oldest first. */
  readonly #connected = new Set<Socket>();
  readonly #listener: Server;
  #https: Promise<ReturnType<typeof createHttpsServer>> | null = null;

  /** Listens on the loopback when it resolves. */
  static async listen(options: DoorOptions): Promise<ListeningDoor> {
    const door = new ListeningDoor(options);
    door.#listener.listen(0, "127.0.0.1");
    await once(door.#listener, "listening");
    return door;
  }

  private constructor(options: DoorOptions) {
    this.#options = options;
    // What comes before the key is there stays in the kernel.
    this.#listener = createServer({ pauseOnConnect: true }, (socket) => {
      if (this.#opened.size === 0) return void socket.destroy();
      socket.on("error", () => socket.destroy());
      this.#bound(socket);
      void (this.#https ??= this.#createTls()).then(
        (server) => server.emit("connection", socket),
        () => {
          this.#https = null;
          socket.destroy();
        },
      );
    });
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  open(key: string): OpenAddress {
    const token = createHmac("sha256", this.#options.secret).update(`service door ${key}`).digest("hex");
    const known = this.#opened.get(token);
    if (known !== undefined) return known.address;
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const close = (): void => void this.#opened.delete(token);
    const address = { url: `https://${DOOR_HOST}${PATH}${token}`, answer: promise, close };
    this.#opened.set(token, { resolve, address });
    return address;
  }

  close(): void {
    this.#listener.close();
    void this.#https?.then(
      (server) => server.closeAllConnections(),
      () => undefined,
    );
  }

  /** The HTTPS server never listens itself, and Node.js looks at the times of requests only in one that does. */
  #bound(socket: Socket): void {
    const [oldest] = this.#connected;
    if (this.#connected.size >= CONNECTIONS_MAX) oldest?.destroy();
    this.#connected.add(socket);
    const stop = this.#options.clock.after(CONNECTION_MS, () => socket.destroy());
    socket.once("close", () => {
      stop();
      this.#connected.delete(socket);
    });
  }

  /** The key is made when the first function connects: most servers never need one. */
  async #createTls(): Promise<ReturnType<typeof createHttpsServer>> {
    const { authority, clock } = this.#options;
    const { key, certificate } = await issueFor(DOOR_HOST, authority, clock.nowMs());
    const server = createHttpsServer({ key, cert: certificate });
    server.on("request", (request, response) => void this.#serve(request, response));
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("Connection", "close");
    const [path = ""] = (request.url ?? "").split("?", 1);
    const opened = path.startsWith(PATH) ? this.#opened.get(path.slice(PATH.length)) : undefined;
    if (opened === undefined || request.method !== "PUT") {
      // As the presigned links that AWS hands out answer when they are over.
      response.writeHead(403, { "Content-Type": "application/xml" });
      response.end("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
      request.resume();
      return;
    }
    const body = await readUpTo(request, ANSWER_BYTES_MAX + 1);
    if (body === null) return;
    opened.resolve(body);
    response.writeHead(200);
    response.end();
  }
}

/** Reads a body, of which no more than `bytesMax` is kept; null where it does not come whole. */
async function readUpTo(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let left = bytesMax;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      parts.push(part.subarray(0, left));
      left -= Math.min(left, part.length);
      if (left === 0) break;
    }
    return Buffer.concat(parts);
  } catch {
    return null;
  }
}
