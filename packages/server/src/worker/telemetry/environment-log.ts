/**
 * The log stream of one environment: platform lines, the function's output line by line, and the records of its
 * runtime's client, each as one event, into the log store; and the tail of the running invocation. Output is limited in
 * each phase (Init, Restore, one invocation), so that a function that never stops printing fills neither memory nor
 * disk; what was dropped is said in the log.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { EnvironmentId } from "../../base/ids.ts";
import type { LogOrigin, LogSink } from "../../ports/log-store.ts";
import { isWantedMessage } from "./application-level.ts";
import { formatPlatformEvent, isWanted, type PlatformEvent } from "./platform-log.ts";
import { type LogLevel, RECORD_HEADER_SIZE_BYTES, type RecordPiece } from "./record-reader.ts";

/** CloudWatch Logs' limit for an event: a longer line is cut into several. */
export const MESSAGE_SIZE_BYTES_MAX = 256 * 1024;
/** AWS's size of the log in LogResult. */
export const TAIL_SIZE_BYTES_MAX = 4096;

/** Number of pieces of an unfinished line that are kept as they came. */
const PARTS_MAX = 1024;
const RECORD_HEADER = Buffer.alloc(RECORD_HEADER_SIZE_BYTES);

export interface EnvironmentLogOptions {
  readonly logs: LogSink;
  readonly clock: Clock;
  readonly logGroupArn: string;
  readonly logStream: string;
  readonly format: "Text" | "JSON";
  /** Level below which platform lines are left out; null: none is. */
  readonly systemLogLevel: string | null;
  /** Level below which the function's own messages are left out; null with the format Text, where none is. */
  readonly applicationLogLevel: LogLevel | null;
  /** Bytes of output that are kept in one phase. */
  readonly phaseSizeBytesMax: number;
  /** Gets everything, whatever the levels leave out of the log. */
  readonly observer: LogObserver;
}

export interface LogObserver {
  platform(event: PlatformEvent): void;
  /** `source` begins with the supervisor's name of the process. */
  line(source: string, line: string): void;
}

/** Names a log stream as AWS does: `2026/11/23/[3]` and 32 hexadecimal digits, others for each environment. */
export function nameLogStream(environmentId: EnvironmentId, version: string, nowMs: number): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll("-", "/");
  const digest = createHash("sha256").update(`${environmentId}:${nowMs}`).digest("hex").slice(0, 32);
  return `${day}/[${version}]${digest}`;
}

export class EnvironmentLog {
  readonly #options: EnvironmentLogOptions;
  /** The unfinished last line of each pipe. */
  readonly #partial = new Map<string, Buffer[]>();
  readonly #partialSize = new Map<string, number>();
  #phaseSizeBytes = 0;
  #droppedBytes = 0;
  #tail: Tail | null = null;

  constructor(options: EnvironmentLogOptions) {
    this.#options = options;
  }

  get logStream(): string {
    return this.#options.logStream;
  }

  /** Starts a new budget for output; says first what the last phase lost. */
  beginPhase(): void {
    this.flushOutput();
    this.#phaseSizeBytes = 0;
  }

  /** Keeps the last 4 KiB of lines from here to `takeTail`. */
  beginTail(): void {
    this.#tail = new Tail();
  }

  takeTail(): Buffer | null {
    const tail = this.#tail?.read() ?? null;
    this.#tail = null;
    return tail;
  }

  writePlatform(event: PlatformEvent): void {
    const { format, systemLogLevel, observer } = this.#options;
    observer.platform(event);
    if (format === "JSON" && !isWanted(event, systemLogLevel)) return;
    const message = formatPlatformEvent(event, this.#options.format, this.#options.clock.nowMs());
    if (message !== null) this.writeLine(message);
  }

  /** Writes a line of the platform. */
  writeLine(message: string): void {
    this.#append(message, "platform");
  }

  /** Writes bytes as they came from a pipe of the sandbox. */
  writeOutput(source: string, stream: string, bytes: Buffer): void {
    const pipe = `${source}/${stream}`;
    const kept = this.#take(bytes);
    let from = 0;
    for (let end = kept.indexOf(0x0a); end !== -1; end = kept.indexOf(0x0a, from)) {
      this.#addPartial(pipe, kept.subarray(from, end));
      this.#endLine(pipe);
      from = end + 1;
    }
    if (from < kept.length) this.#addPartial(pipe, Buffer.from(kept.subarray(from)));
  }

  /** Writes a piece of what a runtime's client wrote to its descriptor for records: one record is one event. */
  writeRecord(source: string, piece: RecordPiece): void {
    if (piece.kind === "text") return this.writeOutput(source, "text", piece.bytes);
    // Text that stood before the record has come to its end, with a line break or without.
    this.#endLine(`${source}/text`);
    const pipe = `${source}/record`;
    const kept = this.#take(piece.bytes);
    // The header counts, too: records without a message would else be without a limit.
    const hasRoom = !piece.isEnd || this.#take(RECORD_HEADER).length === RECORD_HEADER.length;
    const isEmpty = piece.bytes.length === 0;
    if (kept.length > 0 || (isEmpty && hasRoom)) this.#addPartial(pipe, Buffer.from(kept), piece.level);
    if (piece.isEnd) this.#endLine(pipe, piece.level);
    return undefined;
  }

  /**
   * Writes unfinished lines, and a line for what was dropped. Called at the end of each phase: a frozen process
   * finishes no line.
   */
  flushOutput(): void {
    for (const pipe of Array.from(this.#partial.keys())) this.#endLine(pipe);
    if (this.#droppedBytes === 0) return;
    const limit = this.#options.phaseSizeBytesMax;
    this.writeLine(`[thaw] ${this.#droppedBytes} bytes of output were dropped: more than ${limit} bytes in one phase.`);
    this.#droppedBytes = 0;
  }

  /** Takes bytes into the phase's budget, and returns those that fit. */
  #take(bytes: Buffer): Buffer {
    const kept = bytes.subarray(0, this.#options.phaseSizeBytesMax - this.#phaseSizeBytes);
    this.#phaseSizeBytes += kept.length;
    this.#droppedBytes += bytes.length - kept.length;
    return kept;
  }

  #addPartial(pipe: string, bytes: Buffer, level: LogLevel | null = null): void {
    let rest = bytes;
    let size = this.#partialSize.get(pipe) ?? 0;
    while (size + rest.length > MESSAGE_SIZE_BYTES_MAX) {
      const cut = characterBoundary(rest, MESSAGE_SIZE_BYTES_MAX - size);
      this.#pushPartial(pipe, rest.subarray(0, cut));
      this.#endLine(pipe, level);
      rest = rest.subarray(cut);
      size = 0;
    }
    this.#pushPartial(pipe, rest);
  }

  #pushPartial(pipe: string, bytes: Buffer): void {
    const parts = this.#partial.get(pipe);
    if (parts === undefined) this.#partial.set(pipe, [bytes]);
    else parts.push(bytes);
    // A process that writes byte by byte must not cost hundreds of bytes for each.
    if (parts !== undefined && parts.length >= PARTS_MAX) parts.splice(0, parts.length, Buffer.concat(parts));
    this.#partialSize.set(pipe, (this.#partialSize.get(pipe) ?? 0) + bytes.length);
  }

  /** Writes what a pipe has gathered. `level`: what the header of a record says. */
  #endLine(pipe: string, level: LogLevel | null = null): void {
    const parts = this.#partial.get(pipe);
    if (parts === undefined) return;
    this.#partial.delete(pipe);
    this.#partialSize.delete(pipe);
    const first = parts[0];
    const line = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    // A record may bring the line break that a line has left behind.
    const message = line.toString("utf8", 0, line.at(-1) === 0x0a ? line.length - 1 : line.length);
    const { applicationLogLevel, observer } = this.#options;
    observer.line(pipe, message);
    if (applicationLogLevel !== null && !isWantedMessage(message, level, applicationLogLevel)) return;
    this.#append(message, "function");
  }

  #append(message: string, origin: LogOrigin): void {
    this.#options.logs.append(
      this.#options.logGroupArn,
      this.#options.logStream,
      this.#options.clock.nowMs(),
      message,
      origin,
    );
    this.#tail?.add(message);
  }
}

/**
 * Returns the largest cut of at most `limit` bytes that splits no UTF-8 character. Bytes that are not UTF-8 are cut
 * anywhere.
 */
function characterBoundary(bytes: Buffer, limit: number): number {
  for (let cut = limit; cut > 0 && cut > limit - 4; cut--) {
    if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut;
  }
  return limit;
}

class Tail {
  #lines: Buffer[] = [];
  #sizeBytes = 0;

  add(message: string): void {
    const line = Buffer.from(`${message}\n`);
    this.#lines.push(line);
    this.#sizeBytes += line.length;
    for (let first = this.#lines[0]; first !== undefined; first = this.#lines[0]) {
      if (this.#sizeBytes - first.length < TAIL_SIZE_BYTES_MAX) return;
      this.#lines.shift();
      this.#sizeBytes -= first.length;
    }
  }

  read(): Buffer {
    const all = Buffer.concat(this.#lines);
    if (all.length <= TAIL_SIZE_BYTES_MAX) return all;
    const start = all.length - TAIL_SIZE_BYTES_MAX;
    // A character that was cut is left out whole: clients decode the log as UTF-8.
    for (let from = start; from < start + 4; from++) if (((all[from] ?? 0) & 0xc0) !== 0x80) return all.subarray(from);
    return all.subarray(start);
  }
}
