/** A debugger of Python, as IDEs speak to debugpy: the Debug Adapter Protocol over TCP. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { inTime } from "./in-time.ts";

interface Message {
  readonly type: "response" | "event";
  readonly request_seq?: number;
  readonly event?: string;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

const HEAD_END = "\r\n\r\n";

export class DapClient {
  readonly #socket: Socket;
  readonly #asked = new Map<number, (message: Message) => void>();
  readonly #events: Message[] = [];
  readonly #closed: Promise<unknown>;
  /** Names of all events, for whoever waits for another one. */
  readonly #seen: string[] = [];
  #bytes = Buffer.alloc(0);
  #count = 0;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.once("close", resolve).on("error", resolve));
    socket.on("data", (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      for (let message = this.#next(); message !== null; message = this.#next()) {
        if (message.event !== undefined) this.#seen.push(message.event);
        if (message.type === "event") this.#events.push(message);
        else this.#asked.get(message.request_seq ?? 0)?.(message);
        this.#wake();
      }
    });
  }

  static async connect(port: number): Promise<DapClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new DapClient(socket);
  }

  async ask<Body>(command: string, given: object = {}): Promise<Body> {
    const seq = ++this.#count;
    const answered = new Promise<Message>((resolve) => this.#asked.set(seq, resolve));
    const text = JSON.stringify({ seq, type: "request", command, arguments: given });
    this.#socket.write(`Content-Length: ${Buffer.byteLength(text)}${HEAD_END}${text}`);
    const { success, message, body } = await this.#awaited(`an answer to ${command}`, answered);
    if (success !== true) throw new Error(`${command}: ${String(message)}`);
    return body as Body;
  }

  /** Waits for the next event of this name. Those before it are dropped. */
  async event<Body>(name: string): Promise<Body> {
    for (;;) {
      for (let message = this.#events.shift(); message !== undefined; message = this.#events.shift())
        if (message.event === name) return message.body as Body;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#awaited(name, woken);
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }

  /** Rejects where the program ends the connection before. */
  #awaited<T>(what: string, wanted: Promise<T>): Promise<T> {
    const cut = this.#closed.then(() => Promise.reject(new Error(`the program has gone before ${what}`)));
    return inTime(what, Promise.race([wanted, cut]), () => this.#seen.join(", "));
  }

  /** Null: it has not come whole. */
  #next(): Message | null {
    const headSize = this.#bytes.indexOf(HEAD_END);
    if (headSize < 0) return null;
    const size = Number(/Content-Length: (\d+)/.exec(this.#bytes.toString("latin1", 0, headSize))?.[1]);
    const begin = headSize + HEAD_END.length;
    if (this.#bytes.length < begin + size) return null;
    const message = JSON.parse(this.#bytes.toString("utf8", begin, begin + size)) as Message;
    this.#bytes = this.#bytes.subarray(begin + size);
    return message;
  }
}
