/**
 * Connections to listeners of the function on its loopback, through the supervisor. Each piece is sent when the one
 * before it is in the listener's socket, so a listener that does not read costs one piece.
 */
import { Duplex } from "node:stream";
import type { OutwardConnection, OutwardRequest } from "../ports/supervisor.ts";
import { encodeFrame, encodeJson, FRAME, PIECE_SIZE_BYTES } from "./frames.ts";

/**
 * Not imported: an import reads all that the module has, and Node.js then loads its client of `fetch` and WebSocket,
 * which keeps 13 MiB.
 */
const { request } = process.getBuiltinModule("node:http");

const EMPTY = Buffer.alloc(0);
/** Bytes of a listener that nobody has read yet. Answers of subscribers are a status and hardly more. */
const RECEIVED_BYTES_MAX = 64 * 1024;
/** The same, where somebody reads: a debugger is sent whole source texts, heap snapshots piece by piece. */
export const TUNNEL_BYTES_MAX = 32 * 1024 * 1024;

export class OutwardError extends Error {
  constructor(reason: string) {
    super(`the connection into the sandbox ended: ${reason}`);
  }
}

/** The part of the link that a connection needs. */
export interface OutwardLink {
  send(frames: readonly Buffer[]): void;
  forget(id: number): void;
}

type Callback = (error?: Error | null) => void;

/** One connection, as a stream. */
export class OutwardStream extends Duplex {
  readonly #id: number;
  readonly #link: OutwardLink;
  #isConnected = false;
  /** Told when the last piece is in the listener's socket. */
  #written: Callback | null = null;
  /** A write that waits for the connection. */
  #waiting: (() => void) | null = null;
  readonly #unreadBytesMax: number;
  #unreadBytes = 0;

  constructor(id: number, port: number, link: OutwardLink, unreadBytesMax = RECEIVED_BYTES_MAX) {
    super({ allowHalfOpen: false, emitClose: true });
    this.#id = id;
    this.#link = link;
    this.#unreadBytesMax = unreadBytesMax;
    link.send([encodeJson(FRAME.connect, id, { port })]);
  }

  override _read(): void {
    this.#unreadBytes = 0;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#written = done;
    if (this.#isConnected) this.#sendPieces(bytes, done);
    else this.#waiting = () => this.#sendPieces(bytes, done);
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#link.send([encodeFrame(FRAME.hangUp, this.#id, EMPTY)]);
    this.#link.forget(this.#id);
    this.#written?.(error ?? new OutwardError("closed"));
    this.#written = null;
    done(error);
  }

  #sendPieces(bytes: Buffer, done: Callback): void {
    const piece = bytes.subarray(0, PIECE_SIZE_BYTES);
    const rest = bytes.subarray(PIECE_SIZE_BYTES);
    this.#written = (error) => {
      if (error instanceof Error || rest.length === 0) done(error ?? null);
      else this.#sendPieces(rest, done);
    };
    this.#link.send([encodeFrame(FRAME.send, this.#id, piece)]);
  }

  /** Takes the news that everything sent so far is in the listener's socket. */
  onWritten(): void {
    if (!this.#isConnected) {
      this.#isConnected = true;
      this.emit("connect");
      return this.#waiting?.();
    }
    const done = this.#written;
    this.#written = null;
    done?.();
  }

  onReceived(bytes: Buffer): void {
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes > this.#unreadBytesMax) this.destroy(new OutwardError("the listener says too much"));
    else this.push(bytes);
  }

  /** Takes the news of the connection's end. `error`: an errno's name, null where the listener closed it. */
  onHungUp(error: string | null): void {
    if (error === null && this.#written === null) this.push(null);
    else this.destroy(new OutwardError(error ?? "closed by the listener"));
  }
}

/** Sends a request over a connection of its own; returns the status of the answer, whose body nobody wants. */
export function postOver(stream: OutwardStream, { port, method, path, body, signal }: OutwardRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    // Told by the request, too; it listens a moment later.
    stream.on("error", reject);
    const sent = request({
      createConnection: () => stream,
      method,
      path,
      signal,
      headers: {
        Host: `sandbox.localdomain:${port}`,
        "Content-Type": "application/json",
        "Content-Length": body.length,
        Connection: "close",
      },
    });
    sent.on("error", (error) => {
      stream.destroy();
      reject(error);
    });
    sent.on("response", (response) => {
      const { statusCode } = response;
      response.destroy();
      stream.destroy();
      resolve(statusCode ?? 0);
    });
    sent.end(body);
  });
}

/** Gives a stream as what the worker needs of it. */
export function toConnection(stream: OutwardStream): OutwardConnection {
  // Told to the one who writes.
  stream.on("error", () => undefined);
  stream.resume();
  return {
    write: (bytes) =>
      new Promise((resolve, reject) =>
        stream.write(bytes, (error) => (error instanceof Error ? reject(error) : resolve())),
      ),
    close: () => void stream.destroy(),
  };
}
