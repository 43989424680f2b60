/**
 * The HTTP prelude of a streamed response: the head as JSON, eight NUL bytes, then the body. Written by the Node.js
 * client's HttpResponseStream with the content type below.
 */
import { type AnswerHead, readAnswerHead } from "../../../model/http-answer.ts";

export const PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response";
/** API Gateway's limit of the same prelude. */
const PRELUDE_BYTES_MAX = 16 * 1024;
const DELIMITER = Buffer.alloc(8);
const DEFAULT_TYPE = "application/octet-stream";
const UTF_8 = new TextDecoder("utf-8", { fatal: true });

export interface PreludedBody {
  readonly head: AnswerHead;
  readonly body: AsyncIterable<Buffer>;
}

/** Reads the prelude. Null where there is none within its limit, or it is no head; the stream is then given up. */
export async function readPrelude(stream: AsyncIterable<Buffer>): Promise<PreludedBody | null> {
  const pieces = stream[Symbol.asyncIterator]();
  let read = Buffer.alloc(0);
  for (;;) {
    const at = read.indexOf(DELIMITER);
    const isEnough = at !== -1 || read.length > PRELUDE_BYTES_MAX;
    const next = isEnough ? null : await pieces.next().catch(() => null);
    if (next?.done === false) {
      read = Buffer.concat([read, next.value]);
      continue;
    }
    const head = at === -1 || at > PRELUDE_BYTES_MAX ? null : parse(read.subarray(0, at));
    if (head !== null) return { head, body: rest(read.subarray(at + DELIMITER.length), pieces) };
    await pieces.return?.();
    return null;
  }
}

function parse(bytes: Buffer): AnswerHead | null {
  try {
    const given: unknown = JSON.parse(UTF_8.decode(bytes));
    if (typeof given !== "object" || given === null || Array.isArray(given)) return null;
    return readAnswerHead({ statusCode: 200, ...given }, DEFAULT_TYPE);
  } catch {
    return null;
  }
}

async function* rest(first: Buffer, pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (first.length > 0) yield first;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
  } finally {
    await pieces.return?.();
  }
}
