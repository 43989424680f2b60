/**
 * The connection to the supervisor of one sandbox.
 *
 * ```text
 *  connect ─► HELLO ─► HELLO (calls in flight, processes) ─► open ─► park: PARK ─► PARKED ─► the supervisor hangs up
 *                                                                └► lost: closed without a park
 * ```
 */
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import {
  type DirectoryEntry,
  type OutputStream,
  type OutwardConnection,
  type OutwardRequest,
  type ProcessExit,
  type ProgramFound,
  SpawnFailedError,
  type SpawnRequest,
  type SupervisorLink,
  SupervisorLostError,
  type SupervisorListener,
} from "../ports/supervisor.ts";
import {
  encodeFrame,
  encodeJson,
  FRAME,
  type Frame,
  FrameReader,
  PAYLOAD_SIZE_BYTES_MAX,
  SupervisorProtocolError,
} from "./frames.ts";
import { type CallEnd, type CallHead, LinkedCall } from "./linked-call.ts";
import { OutwardStream, postOver, toConnection, TUNNEL_BYTES_MAX } from "./outward.ts";

const PROTOCOL = 2;
const EMPTY = Buffer.alloc(0);
/** By their number in a LOG frame, less one. */
const OUTPUT_STREAMS: readonly OutputStream[] = ["stdout", "stderr", "records"];
/**
 * Limit of an answer that takes milliseconds: as much as AWS gives to a restore. A function can stop its supervisor,
 * which has the same user, and a clone whose memory does not come can't answer.
 */
const ANSWER_MS_MAX = 10_000;

interface Hello {
  readonly protocol: number;
  readonly calls: ReadonlyArray<CallHead & { readonly id: number }>;
  readonly processes: ReadonlyArray<{ readonly name: string; readonly pid: number }>;
  /** What this supervisor can beyond the protocol's first form; absent where it is older. */
  readonly features?: unknown;
  readonly kept?: unknown;
}

interface Listed {
  readonly path: string;
  readonly entries?: unknown;
}

interface Spawned {
  readonly name: string;
  readonly pid?: number;
  readonly error?: string;
  readonly program?: unknown;
  readonly isDirectoryWrong?: boolean;
}

type Event = (listener: SupervisorListener) => void;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

export async function connectSupervisor(controlSocket: string, clock: Clock): Promise<SupervisorLink> {
  const socket = connect(controlSocket);
  const link = new Link(socket, clock);
  await link.opened;
  return link;
}

class Link implements SupervisorLink {
  processes: ReadonlyArray<{ readonly name: string; readonly pid: number }> = [];
  kept: string | null = null;
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, LinkedCall>();
  readonly #outwards = new Map<number, OutwardStream>();
  readonly #listing = new Map<string, Waiting<readonly DirectoryEntry[]>>();
  readonly #spawning = new Map<string, Waiting<{ pid: number }>>();
  readonly #kept: Event[] = [];
  #opening: Waiting<void> | null = null;
  #parking: Waiting<readonly number[]> | null = null;
  #resetting: Waiting<boolean> | null = null;
  #parkedCalls: readonly number[] | null = null;
  #listener: SupervisorListener | null = null;
  #isClosed = false;
  #features: readonly unknown[] = [];
  #nextOutward = 1;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.opened = this.#within("HELLO", (waiting) => {
      this.#opening = waiting;
    });
    socket.on("connect", () => socket.write(encodeJson(FRAME.hello, 0, { protocol: PROTOCOL })));
    socket.on("data", (bytes) => this.#onData(bytes));
    let failure: Error | undefined;
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", () => this.#onClose(failure));
  }

  listen(listener: SupervisorListener): void {
    this.#listener = listener;
    for (const event of this.#kept.splice(0)) event(listener);
  }

  spawn(request: SpawnRequest): Promise<{ readonly pid: number }> {
    if (this.#isClosed) return Promise.reject(new SupervisorLostError());
    const content = Buffer.from(JSON.stringify(request));
    // The supervisor hangs up on a larger frame; the kernel takes no more of arguments and variables, either.
    if (content.length > PAYLOAD_SIZE_BYTES_MAX) return Promise.reject(new SpawnFailedError("E2BIG"));
    return this.#within("SPAWN", (waiting) => {
      this.#spawning.set(request.name, waiting);
      this.#socket.write(encodeFrame(FRAME.spawn, 0, content));
    });
  }

  signal(name: string, signal: number): void {
    if (!this.#isClosed) this.#socket.write(encodeJson(FRAME.signal, 0, { name, signal }));
  }

  list(path: string): Promise<readonly DirectoryEntry[]> {
    if (this.#isClosed) return Promise.reject(new SupervisorLostError());
    if (!this.#features.includes("list")) return Promise.resolve([]);
    return this.#within("LIST", (waiting) => {
      this.#listing.set(path, waiting);
      this.#socket.write(encodeJson(FRAME.list, 0, { path }));
    });
  }

  keep(text: string): void {
    if (!this.#isClosed && this.#features.includes("keep"))
      this.#socket.write(encodeFrame(FRAME.keep, 0, Buffer.from(text)));
  }

  post(request: OutwardRequest): Promise<number> {
    return postOver(this.#openOutward(request.port), request);
  }

  connect(port: number): OutwardConnection {
    return toConnection(this.#openOutward(port));
  }

  tunnel(port: number): Promise<Duplex> {
    const stream = this.#openOutward(port, TUNNEL_BYTES_MAX);
    return new Promise((resolve, reject) => {
      stream.once("error", reject);
      stream.once("connect", () => {
        stream.off("error", reject);
        resolve(stream);
      });
    });
  }

  #openOutward(port: number, unreadBytesMax?: number): OutwardStream {
    const id = this.#nextOutward++;
    // An older supervisor takes a frame that it does not know for the end of the protocol.
    const isAble = this.#features.includes("connect");
    const to = {
      send: (frames: readonly Buffer[]) => (isAble ? this.#send(frames) : undefined),
      forget: () => void this.#outwards.delete(id),
    };
    const stream = new OutwardStream(id, port, to, unreadBytesMax);
    this.#outwards.set(id, stream);
    if (this.#isClosed || !isAble) stream.onHungUp("ENOTCONN");
    return stream;
  }

  reset(): Promise<boolean> {
    if (this.#isClosed) return Promise.reject(new SupervisorLostError());
    if (!this.#features.includes("reset")) return Promise.resolve(false);
    return this.#within("RESET", (waiting) => {
      this.#resetting = waiting;
      this.#socket.write(encodeFrame(FRAME.reset, 0, EMPTY));
    });
  }

  park(): Promise<readonly number[]> {
    if (this.#isClosed) return Promise.reject(new SupervisorLostError());
    return this.#within("PARK", (waiting) => {
      this.#parking = waiting;
      this.#socket.write(encodeFrame(FRAME.park, 0, EMPTY));
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  /** Waits for an answer. One that does not come in time ends the connection, and so rejects all that wait. */
  #within<T>(what: string, start: (waiting: Waiting<T>) => void): Promise<T> {
    const cancel = this.#clock.after(ANSWER_MS_MAX, () =>
      this.#socket.destroy(new SupervisorProtocolError(`no answer to ${what}`)),
    );
    return new Promise<T>((resolve, reject) => start({ resolve, reject })).finally(cancel);
  }

  #onData(bytes: Buffer): void {
    try {
      for (const frame of this.#reader.push(bytes)) this.#onFrame(frame);
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new SupervisorProtocolError(String(error)));
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case FRAME.helloAnswer:
        return this.#onHello(readJson<Hello>(frame.payload));
      case FRAME.spawned:
        return this.#onSpawned(readJson<Spawned>(frame.payload));
      case FRAME.requestHead:
        return this.#beginCall(frame.callId, readJson<CallHead>(frame.payload));
      case FRAME.requestBody:
        return this.#calls.get(frame.callId)?.receive(frame.payload);
      case FRAME.requestEnd:
        return this.#endRequest(frame);
      case FRAME.requestAbort:
        return this.#abandon(frame.callId);
      case FRAME.log:
        return this.#onLog(frame.payload);
      case FRAME.exit: {
        const exit = readJson<ProcessExit>(frame.payload);
        return this.#emit((listener) => listener.onExit(exit));
      }
      case FRAME.listed:
        return this.#onListed(readJson<Listed>(frame.payload));
      case FRAME.written:
        return this.#outwards.get(frame.callId)?.onWritten();
      case FRAME.received:
        return this.#outwards.get(frame.callId)?.onReceived(frame.payload);
      case FRAME.hungUp:
        return this.#outwards.get(frame.callId)?.onHungUp(readHungUp(frame.payload));
      case FRAME.resetDone:
        return this.#onReset();
      case FRAME.parked:
        this.#parkedCalls = readJson<{ calls: readonly number[] }>(frame.payload).calls;
        return undefined;
      default:
        throw new SupervisorProtocolError(`unexpected frame ${frame.type}`);
    }
  }

  #onHello(hello: Hello): void {
    if (hello.protocol !== PROTOCOL) throw new SupervisorProtocolError(`protocol ${hello.protocol}`);
    this.processes = hello.processes;
    this.#features = Array.isArray(hello.features) ? hello.features : [];
    this.kept = typeof hello.kept === "string" ? hello.kept : null;
    for (const head of hello.calls) {
      this.#beginCall(head.id, head);
      this.#calls.get(head.id)?.end({});
    }
    this.#opening?.resolve();
    this.#opening = null;
  }

  #onReset(): void {
    if (this.#resetting === null) throw new SupervisorProtocolError("a reset that nobody asked for");
    for (const call of this.#calls.values()) call.abandon();
    this.#calls.clear();
    for (const outward of this.#outwards.values()) outward.onHungUp("ENOTCONN");
    this.processes = [];
    this.kept = null;
    this.#resetting.resolve(true);
    this.#resetting = null;
  }

  #onSpawned(spawned: Spawned): void {
    const waiting = this.#spawning.get(spawned.name);
    this.#spawning.delete(spawned.name);
    if (spawned.pid !== undefined) waiting?.resolve({ pid: spawned.pid });
    else {
      const { error = "EIO", program, isDirectoryWrong = false } = spawned;
      waiting?.reject(new SpawnFailedError(error, readProgram(program), isDirectoryWrong));
    }
  }

  #onListed({ path, entries }: Listed): void {
    const waiting = this.#listing.get(path);
    this.#listing.delete(path);
    waiting?.resolve(Array.isArray(entries) ? entries.filter(isEntry) : []);
  }

  #beginCall(id: number, head: CallHead): void {
    const call = new LinkedCall(id, head, {
      send: (frames) => this.#send(frames),
      forget: () => void this.#calls.delete(id),
    });
    this.#calls.set(id, call);
    this.#emit((listener) => listener.onCall(call));
  }

  #send(frames: readonly Buffer[]): void {
    if (this.#isClosed) return;
    this.#socket.cork();
    for (const frame of frames) this.#socket.write(frame);
    this.#socket.uncork();
  }

  #endRequest(frame: Frame): void {
    this.#calls.get(frame.callId)?.end(frame.payload.length === 0 ? {} : readEnd(frame.payload));
  }

  #abandon(id: number): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call === undefined) return;
    call.abandon();
    this.#emit((listener) => listener.onAbandoned(call));
  }

  #onLog(payload: Buffer): void {
    const nameSize = payload.readUInt8(0);
    const source = payload.toString("utf8", 1, 1 + nameSize);
    const stream = OUTPUT_STREAMS[payload.readUInt8(1 + nameSize) - 1];
    if (stream === undefined) throw new SupervisorProtocolError("stream of a process's output");
    const bytes = payload.subarray(2 + nameSize);
    this.#emit((listener) => listener.onLog(source, stream, bytes));
  }

  #emit(event: Event): void {
    if (this.#listener === null) this.#kept.push(event);
    else event(this.#listener);
  }

  #onClose(cause: Error | undefined): void {
    const wasClosedByUs = this.#isClosed;
    this.#isClosed = true;
    for (const call of this.#calls.values()) call.body.fail();
    for (const outward of this.#outwards.values()) outward.destroy(new SupervisorLostError(cause));
    const lost = new SupervisorLostError(cause);
    this.#opening?.reject(lost);
    this.#resetting?.reject(lost);
    for (const waiting of this.#spawning.values()) waiting.reject(lost);
    for (const waiting of this.#listing.values()) waiting.reject(lost);
    if (this.#parking !== null && this.#parkedCalls !== null) return this.#parking.resolve(this.#parkedCalls);
    this.#parking?.reject(lost);
    if (!wasClosedByUs) this.#emit((listener) => listener.onLost());
  }
}

function isEntry(entry: unknown): entry is DirectoryEntry {
  if (typeof entry !== "object" || entry === null) return false;
  const { name, isDirectory } = entry as Record<string, unknown>;
  return typeof name === "string" && typeof isDirectory === "boolean";
}

/** Reads why a connection into the sandbox has ended; null where the listener closed it. */
function readHungUp(payload: Buffer): string | null {
  const { error } = readJson<{ error?: unknown }>(payload);
  return typeof error === "string" ? error : null;
}

/** Reads the end of a request that has more to tell than that it is whole. */
function readEnd(payload: Buffer): CallEnd {
  const { length, trailers } = readJson<{ length?: unknown; trailers?: unknown }>(payload);
  if (Number.isSafeInteger(length) && (length as number) >= 0) return { length: length as number };
  const isField = (field: unknown): field is [string, string] =>
    Array.isArray(field) && field.length === 2 && field.every((part) => typeof part === "string");
  if (Array.isArray(trailers) && trailers.every(isField)) return { trailers };
  throw new SupervisorProtocolError("end of a request's body");
}

function readJson<T>(payload: Buffer): T {
  try {
    return JSON.parse(payload.toString("utf8")) as T;
  } catch {
    throw new SupervisorProtocolError("JSON");
  }
}

const PROGRAM_KINDS: readonly ProgramFound["kind"][] = ["missing", "link", "directory", "file", "other"];
const PROGRAM_HEAD_SIZE_MAX = 256;

/** Reads what a supervisor found under a program's name; null where it says nothing, or nothing that can be. */
function readProgram(found: unknown): ProgramFound | null {
  if (typeof found !== "object" || found === null) return null;
  const { kind, mode, head } = found as Record<string, unknown>;
  const known = PROGRAM_KINDS.find((each) => each === kind);
  if (known === undefined) return null;
  return {
    kind: known,
    mode: typeof mode === "number" ? mode : 0,
    head: typeof head === "string" ? Buffer.from(head, "hex").subarray(0, PROGRAM_HEAD_SIZE_MAX) : null,
  };
}
