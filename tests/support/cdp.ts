/** A debugger of Node.js, as IDEs speak to it: the Chrome DevTools Protocol over a WebSocket. */
import { once } from "node:events";
import { inTime } from "./in-time.ts";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface Paused {
  readonly callFrames: ReadonlyArray<{ readonly callFrameId: string; readonly functionName: string }>;
}

export class CdpClient {
  readonly #socket: WebSocket;
  readonly #events: Message[] = [];
  readonly #asked = new Map<number, (message: Message) => void>();
  readonly #closed: Promise<unknown>;
  /** Names of all events, for whoever waits for another one. */
  readonly #seen: string[] = [];
  #count = 0;
  #wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = once(socket, "close");
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
      if (message.method !== undefined) this.#seen.push(message.method);
      if (message.id === undefined) this.#events.push(message);
      else this.#asked.get(message.id)?.(message);
      this.#wake();
    });
  }

  /** Finds the program that the port leads to, as an IDE does, and connects. */
  static async connect(port: number): Promise<CdpClient> {
    const listed = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as ReadonlyArray<{
      readonly webSocketDebuggerUrl: string;
    }>;
    const socket = new WebSocket(listed[0]?.webSocketDebuggerUrl ?? "");
    const opened = await Promise.race(
      ["open", "error"].map((name) => once(socket, name).then(([event]) => event as Event)),
    );
    if (opened.type !== "open") throw new Error(`the program takes no debugger at port ${port}`);
    return new CdpClient(socket);
  }

  async ask<Answer>(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#count;
    const answered = new Promise<Message>((resolve) => this.#asked.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await this.#awaited(`an answer to ${method}`, answered);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Answer;
  }

  /** Waits for the next event of this name. Those before it are dropped. */
  async event<Params>(method: string): Promise<Params> {
    for (;;) {
      for (let message = this.#events.shift(); message !== undefined; message = this.#events.shift())
        if (message.method === method) return message.params as Params;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#awaited(method, woken);
    }
  }

  async close(): Promise<void> {
    this.#socket.close();
    await inTime("the end of the connection", this.#closed, () => this.#seen.join(", "));
  }

  /** Rejects where the program ends the connection before. */
  #awaited<T>(what: string, wanted: Promise<T>): Promise<T> {
    const cut = this.#closed.then(() => Promise.reject(new Error(`the program has gone before ${what}`)));
    return inTime(what, Promise.race([wanted, cut]), () => this.#seen.join(", "));
  }
}
