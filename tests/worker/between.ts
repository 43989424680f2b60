import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Stands between two ends, and can keep what they send, as a host that hangs does. */
export class Between {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isHeld = false;
  /** The port that new connections are made to. */
  target: number;

  static async to(port: number): Promise<Between> {
    const between = new Between(port);
    between.#server.listen(0, "127.0.0.1");
    await once(between.#server, "listening");
    return between;
  }

  private constructor(port: number) {
    this.target = port;
    this.#server = createServer((socket) => {
      const other = connect(this.target, "127.0.0.1");
      for (const [from, to] of [
        [socket, other],
        [other, socket],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => undefined);
        from.on("close", () => to.destroy());
        from.on("data", (bytes) => to.write(bytes));
        if (this.#isHeld) from.pause();
      }
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  hold(): void {
    this.#isHeld = true;
    for (const socket of this.#sockets) socket.pause();
  }

  release(): void {
    this.#isHeld = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
