/** A port of this host's loopback that leads to the debugger in an environment, over Thaw's own API. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { DEBUG_BYTES_MAX } from "@thaw/thaw-api";
import { CommandError } from "@thaw/installation/command-error";
import type { Connection } from "../../connection.ts";

const HOST = "127.0.0.1";

export interface RelayOptions {
  readonly thaw: Connection["thaw"];
  readonly functionName: string;
  /** 0: a free one. */
  readonly port: number;
  /** Told when a debugger came, and the server did not let it through. */
  readonly onRefused: (reason: string) => void;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.#server = createServer((socket) => void this.#serve(socket));
  }

  /** Listens. Throws CommandError where the port is taken. */
  static async open(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    const server = relay.#server.listen(options.port, HOST);
    await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "something else listens there" : error.message;
      throw new CommandError(
        `${HOST}:${options.port} can't be listened to: ${reason}. Name another: --debug-port PORT`,
      );
    });
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    const { thaw, functionName, onRefused } = this.#options;
    const parameters = { function: functionName, connection: randomUUID() };
    const gone = new AbortController();
    this.#sockets.add(socket);
    socket.setNoDelay(true).on("error", () => undefined);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      gone.abort();
    });
    try {
      const { body } = await thaw.raw("readDebugger", { parameters, signal: gone.signal });
      const said = this.#say(socket, parameters, gone.signal);
      await Promise.race([this.#listen(socket, body), said]);
    } catch (error) {
      if (!gone.signal.aborted) onRefused((error as Error).message);
    }
    socket.end();
    socket.destroySoon();
  }

  async #listen(socket: Socket, body: ReadableStream<Uint8Array> | null): Promise<void> {
    if (body === null) return;
    for await (const bytes of body)
      if (!socket.write(bytes) && !socket.destroyed) await Promise.race([once(socket, "drain"), once(socket, "close")]);
  }

  /** One piece after the other: their order is that of the debugger. */
  async #say(
    socket: Socket,
    parameters: { readonly function: string; readonly connection: string },
    signal: AbortSignal,
  ): Promise<void> {
    for await (const bytes of socket)
      for (let at = 0; at < (bytes as Buffer).length; at += DEBUG_BYTES_MAX) {
        const body = (bytes as Buffer).subarray(at, at + DEBUG_BYTES_MAX);
        await this.#options.thaw.call("writeDebugger", { parameters, body, signal });
      }
  }
}
