/** A debugger of Node.js, as IDEs speak to it: the Chrome DevTools Protocol over a WebSocket. */
import { once } from "node:events";

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
  #count = 0;
  #wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data)) as Message;
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
    await once(socket, "open");
    return new CdpClient(socket);
  }

  async ask<Answer>(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#count;
    const answered = new Promise<Message>((resolve) => this.#asked.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Answer;
  }

  /** Waits for the next event of this name. Those before it are dropped. */
  async event<Params>(method: string): Promise<Params> {
    for (;;) {
      for (let message = this.#events.shift(); message !== undefined; message = this.#events.shift())
        if (message.method === method) return message.params as Params;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}
