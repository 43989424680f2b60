/**
 * Log records as AWS's runtime clients write them to the descriptor in `_LAMBDA_TELEMETRY_LOG_FD`, in their own words
 * "framed telemetry" (awslambdaric, class FramedTelemetryLogSink; aws-lambda-java-runtime-interface-client, classes
 * FrameType and FramedTelemetryLogSink): 4 bytes type, 4 bytes length, 8 bytes time in microseconds, the message. All
 * numbers are big-endian. Bits of the type below 0xA55A0000: 0 text (else JSON), 1 a time is there, 2 to 4 the level.
 *
 * The descriptor is the function's: anything may be written there, and a child process may write into the middle of a
 * record. Bytes that begin no record are plain text, up to where the next one begins. So no byte is lost, and nothing
 * grows with what a header announces.
 */

/** From the least to the gravest, as both clients number them from 1 on. */
export const LOG_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A header that announces more than this is none. Records have at most what one phase may write anyway. */
export const RECORD_SIZE_BYTES_MAX = 64 * 1024 * 1024;

const MAGIC = Buffer.from([0xa5, 0x5a, 0x00]);
const TIME_BIT = 0x02;
const KNOWN_BITS = 0x1f;
const TYPE_SIZE = 8;
const TIME_SIZE = 8;
/** Size of a header that has a time. */
export const RECORD_HEADER_SIZE_BYTES = TYPE_SIZE + TIME_SIZE;

interface Header {
  readonly sizeBytes: number;
  readonly messageSizeBytes: number;
  readonly level: LogLevel | null;
}

/** Bytes of a record, or of the text between records. */
export type RecordPiece =
  | {
      readonly kind: "record";
      readonly bytes: Buffer;
      readonly isEnd: boolean;
      /** The level in the header; null: it names none. */
      readonly level: LogLevel | null;
    }
  | { readonly kind: "text"; readonly bytes: Buffer };

export class RecordReader {
  /** The beginning of what may become a header: shorter than one. */
  #pending: Buffer = Buffer.alloc(0);
  #open: Header | null = null;
  /** Bytes of the open record that have not come yet. */
  #missing = 0;

  /** Takes bytes as they were read, and gives what they are. Pieces share the memory of `bytes`. */
  *push(bytes: Buffer): Generator<RecordPiece> {
    let rest = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.#open !== null) {
        const taken = rest.subarray(0, this.#missing);
        rest = rest.subarray(taken.length);
        yield this.#continue(this.#open, taken);
        continue;
      }
      const header = readHeader(rest);
      if (header === "incomplete") {
        this.#pending = Buffer.from(rest);
        return;
      }
      if (header === null) {
        const end = findHeader(rest, 1);
        yield { kind: "text", bytes: rest.subarray(0, end) };
        rest = rest.subarray(end);
        continue;
      }
      rest = rest.subarray(header.sizeBytes);
      this.#open = header;
      this.#missing = header.messageSizeBytes;
      if (this.#missing === 0) yield this.#continue(header, rest.subarray(0, 0));
    }
  }

  #continue({ level }: Header, bytes: Buffer): RecordPiece {
    this.#missing -= bytes.length;
    const isEnd = this.#missing === 0;
    if (isEnd) this.#open = null;
    return { kind: "record", bytes, isEnd, level };
  }
}

/** Reads a header; null where the bytes are none, "incomplete" where they may become one. */
function readHeader(bytes: Buffer): Header | null | "incomplete" {
  const magic = bytes.subarray(0, MAGIC.length);
  if (!magic.equals(MAGIC.subarray(0, magic.length))) return null;
  if (bytes.length <= MAGIC.length) return "incomplete";
  const bits = bytes.readUInt8(MAGIC.length);
  const level = bits >> 2;
  if ((bits & ~KNOWN_BITS) !== 0 || level > LOG_LEVELS.length) return null;
  if (bytes.length < TYPE_SIZE) return "incomplete";
  const messageSizeBytes = bytes.readUInt32BE(4);
  if (messageSizeBytes > RECORD_SIZE_BYTES_MAX) return null;
  const sizeBytes = (bits & TIME_BIT) === 0 ? TYPE_SIZE : RECORD_HEADER_SIZE_BYTES;
  if (bytes.length < sizeBytes) return "incomplete";
  return { sizeBytes, messageSizeBytes, level: LOG_LEVELS[level - 1] ?? null };
}

/** Finds the first place from `start` on where a header is, or may begin; the end where there is none. */
function findHeader(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(MAGIC, start); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
    if (readHeader(bytes.subarray(at, at + RECORD_HEADER_SIZE_BYTES)) !== null) return at;
  }
  // Its beginning alone may stand at the end.
  for (let at = Math.max(start, bytes.length - MAGIC.length + 1); at < bytes.length; at++) {
    if (readHeader(bytes.subarray(at)) !== null) return at;
  }
  return bytes.length;
}
