/**
 * A client that costs next to nothing beside what it measures: one connection, and an invoke that was signed once,
 * whose bytes it sends again and again. A signature is good for five minutes.
 */
import { connect, type Socket } from "node:net";
import { signRequest } from "@thaw/aws-api";
import type { ThawServer } from "../../tools/thaw-server.ts";

const HEAD_END = Buffer.from("\r\n\r\n");

export class RawClient {
  readonly #socket: Socket;
  readonly #request: Buffer;
  /** The head of the answer so far; null: it is there. */
  #head: Buffer | null = Buffer.alloc(0);
  #bytesLeft = 0;
  #waiting: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(socket: Socket, request: Buffer) {
    this.#socket = socket;
    this.#request = request;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (error) => this.#waiting.reject(error));
    socket.on("close", () => this.#waiting.reject(new Error("the server closed the connection")));
  }

  static open(server: ThawServer, functionName: string, qualifier: string, event: Buffer): Promise<RawClient> {
    const { host, hostname, port } = new URL(server.endpoint);
    const path = `/2015-03-31/functions/${functionName}/invocations`;
    const query = `Qualifier=${qualifier}`;
    const credentials = {
      accessKeyId: server.env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
    const signed = signRequest(
      { method: "POST", path, query, headers: { host }, body: event },
      credentials,
      "us-east-1",
      Date.now(),
    );
    const headers = Object.entries({ ...signed, "content-length": String(event.length) });
    const lines = [`POST ${path}?${query} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), "", ""];
    const request = Buffer.concat([Buffer.from(lines.join("\r\n")), event]);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket, request));
      });
    });
  }

  /** Resolves when the answer is there to its last byte. Throws where it is not that of the function's success. */
  invoke(): Promise<void> {
    this.#waiting = Promise.withResolvers();
    this.#head = Buffer.alloc(0);
    this.#socket.write(this.#request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    let body = bytes;
    if (this.#head !== null) {
      const head: Buffer = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
      const end = head.indexOf(HEAD_END);
      if (end === -1) {
        this.#head = head;
        return;
      }
      const text = head.toString("latin1", 0, end);
      this.#head = null;
      this.#bytesLeft = Number(/^content-length: (\d+)$/im.exec(text)?.[1]);
      if (!text.startsWith("HTTP/1.1 200 ") || /^x-amz-function-error:/im.test(text))
        this.#waiting.reject(new Error(head.toString("latin1", 0, 2000)));
      body = head.subarray(end + HEAD_END.length);
    }
    this.#bytesLeft -= body.length;
    if (this.#bytesLeft <= 0) this.#waiting.resolve();
  }
}
