/** Node.js processes of a server, asked through V8's inspector. */
import { once } from "node:events";
import type { ThawServer } from "../../tools/thaw-server.ts";

/** For `startThaw`: each Node.js process of the server listens for an inspector, on a free port of loopback. */
export const INSPECTED = { NODE_OPTIONS: "--inspect=127.0.0.1:0" } as const;

/**
 * The live heap of each Node.js process of the server in MiB, by pid, after a full collection. Without one, what a
 * process holds also tells how long V8 put the work off: tens of MiB while memory is plentiful.
 */
export async function liveHeaps(server: ThawServer): Promise<ReadonlyMap<number, number>> {
  const heaps = new Map<number, number>();
  for (const [address] of server.output().matchAll(/ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/g)) {
    const inspector = await Inspector.connect(address);
    // A process that has run itself again left its address behind.
    if (inspector === null) continue;
    const { result } = await inspector.ask<{ result: { value: number } }>("Runtime.evaluate", {
      expression: "process.pid",
    });
    await inspector.ask("HeapProfiler.enable");
    await inspector.ask("HeapProfiler.collectGarbage");
    const { usedSize } = await inspector.ask<{ usedSize: number }>("Runtime.getHeapUsage");
    heaps.set(result.value, usedSize / 2 ** 20);
    inspector.close();
  }
  return heaps;
}

class Inspector {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Null when nobody listens there. */
  static async connect(address: string): Promise<Inspector | null> {
    const socket = new WebSocket(address);
    const [event] = (await Promise.race([once(socket, "open"), once(socket, "close")])) as [Event];
    return event.type === "open" ? new Inspector(socket) : null;
  }

  /** One question at a time. */
  async ask<Answer>(method: string, params: object = {}): Promise<Answer> {
    const id = ++this.#asked;
    this.#socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [{ data }] = (await once(this.#socket, "message")) as [MessageEvent];
      const answer = JSON.parse(String(data)) as { id?: number; result: Answer; error?: { message: string } };
      if (answer.id !== id) continue;
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
      return answer.result;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
