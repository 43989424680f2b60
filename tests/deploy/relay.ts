/**
 * Stands between a tool and the server: hands everything on as it is, and notes what was called and how long the tool
 * waited for an answer. The host name in a request is signed, so it stays the relay's.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export class Relay {
  readonly #target: URL;
  readonly #server: Server;
  #running = 0;
  #since = 0;
  #waitedMs = 0;
  #calls: string[] = [];

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
  }

  static async start(target: string): Promise<Relay> {
    const relay = new Relay(target);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What came since the last look: each call with its status, and the time in which at least one of them ran. */
  take(): { readonly calls: readonly string[]; readonly waitedMs: number } {
    const taken = { calls: this.#calls, waitedMs: Math.round(this.#waitedMs) };
    this.#calls = [];
    this.#waitedMs = 0;
    return taken;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (this.#running++ === 0) this.#since = performance.now();
    const { method = "GET", url: path = "/", headers } = incoming;
    let body = "";
    const finish = (status: string): void => {
      if (--this.#running === 0) this.#waitedMs += performance.now() - this.#since;
      this.#calls.push(`${status} ${nameOf(method, path, headers, body)}`);
    };
    const { hostname, port } = this.#target;
    const passed = request({ hostname, port, method, path, headers, setHost: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      answer.pipe(outgoing);
      answer.once("close", () => finish(String(answer.statusCode)));
    });
    passed.once("error", (error) => {
      finish(error.message);
      outgoing.destroy();
    });
    passed.on("continue", () => outgoing.writeContinue());
    // The operation of a query protocol is at the beginning of its body.
    incoming.on("data", (bytes: Buffer) => (body = body === "" ? bytes.toString("latin1") : body));
    incoming.pipe(passed);
  }
}

/** A name for a call, by its service's protocol. */
function nameOf(method: string, path: string, headers: IncomingMessage["headers"], body: string): string {
  const target = headers["x-amz-target"];
  const action = /(?:^|&)Action=(\w+)/.exec(body)?.[1];
  const service = /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  return `${service} ${typeof target === "string" ? target : (action ?? `${method} ${path.slice(0, 120)}`)}`;
}
