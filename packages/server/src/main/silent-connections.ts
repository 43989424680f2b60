/**
 * Connections on which no byte has come yet. Clients open some ahead of their requests, and Node.js leaves these open
 * when a server closes: the server would wait for its whole drain time.
 */
import type { Server, Socket } from "node:net";
import type { Clock } from "../base/clock.ts";

/** A client that has not spoken for so long is not about to. */
const SILENT_MS = 1000;

export class SilentConnections {
  readonly #openedMs = new Map<Socket, number>();
  readonly #clock: Clock;

  constructor(server: Server, clock: Clock) {
    this.#clock = clock;
    server.on("connection", (socket: Socket) => {
      this.#openedMs.set(socket, clock.monotonicMs());
      socket.once("close", () => this.#openedMs.delete(socket));
    });
  }

  end(): void {
    const openedMsMax = this.#clock.monotonicMs() - SILENT_MS;
    for (const [socket, openedMs] of this.#openedMs)
      if (socket.bytesRead === 0 && openedMs <= openedMsMax) socket.destroy();
  }
}
