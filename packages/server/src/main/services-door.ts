/**
 * Where functions call the services of this server, with `--allow-services`: a listener of its own on the loopback, to
 * which sandboxd translates port 80 of `host.thaw.internal` for those functions alone that are named. It serves AWS's
 * services to functions' credentials, and nothing else (`isForFunctions` of the HTTP server).
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { HttpServer, ListenerLimits } from "../http/server.ts";

/** A number, not the name: for a name, clients of S3 would put the bucket in front of it. */
export const SERVICES_ADDRESS = "http://169.254.76.2";

/** Beside those of the listener itself: functions can't take its connections and memory from other clients. */
export const SERVICES_LIMITS: Partial<ListenerLimits> = { connectionsMax: 1024, bodyBytesMax: 128 * 1024 * 1024 };

export class ServicesDoor {
  /** Holds the port, which sandboxd must know before the first sandbox is made, until the HTTP server takes it over. */
  readonly #reserved: Server;
  #app: HttpServer | null = null;

  static async reserve(): Promise<ServicesDoor> {
    const reserved = createServer((socket) => void socket.destroy());
    reserved.listen(0, "127.0.0.1");
    await once(reserved, "listening");
    return new ServicesDoor(reserved);
  }

  private constructor(reserved: Server) {
    this.#reserved = reserved;
  }

  get port(): number {
    return (this.#reserved.address() as AddressInfo).port;
  }

  /** From now on functions are answered. */
  async serve(app: HttpServer): Promise<void> {
    this.#app = app;
    await app.ready();
    const listening = once(app.server, "listening");
    app.server.listen(this.#reserved);
    await listening;
  }

  /** Ends all connections: functions that could use them have ended. */
  close(): void {
    this.#app?.server.closeAllConnections();
    if (this.#app === null) this.#reserved.close();
    else this.#app.server.close();
  }
}
