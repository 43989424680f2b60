/** Bodies of requests: read within their limits, and within what the server holds of all of them at once. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import type { Clock } from "../base/clock.ts";

type Incoming = FastifyRequest["raw"];

/** A body that is not taken. */
export class BodyError extends Error {
  readonly kind: "too large" | "no room" | "cut off" | "not signed";

  constructor(kind: BodyError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Bytes of bodies that are held in memory, of all requests. */
export class BodyBudget {
  readonly #bytesMax: number;
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Throws BodyError where there is no room now. */
  hold(bytes: number): void {
    if (this.#heldBytes + bytes > this.#bytesMax)
      throw new BodyError("no room", "Too many bytes of requests are on their way. Try again.");
    this.#heldBytes += bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

export interface BodyLimits {
  readonly bytesMax: number;
  /** Time without a byte after which a body is given up. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/**
 * Gives the chunks of a body. Throws BodyError where it is too large or is cut off; one that stands still is cut off
 * here.
 */
async function* chunksOf(request: Incoming, { bytesMax, idleMs, clock }: BodyLimits): AsyncGenerator<Buffer> {
  let isSlow = false;
  let bytes = 0;
  const giveUp = (): void => {
    isSlow = true;
    request.destroy(new Error("too slow"));
  };
  let stop = clock.after(idleMs, giveUp);
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      stop();
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      yield chunk;
      stop = clock.after(idleMs, giveUp);
    }
  } catch (error) {
    if (error instanceof BodyError) throw error;
    throw new BodyError("cut off", isSlow ? "The body came too slowly." : "The request was cut off.");
  } finally {
    stop();
  }
}

/** Throws BodyError where Content-Length is over the limit. */
export function checkAnnounced(request: Incoming, { bytesMax }: Pick<BodyLimits, "bytesMax">): void {
  if (announcedBytes(request) > bytesMax) throw tooLarge(bytesMax);
}

function tooLarge(bytesMax: number): BodyError {
  return new BodyError("too large", `The body must be no larger than ${bytesMax} bytes.`);
}

/** By Content-Length; 0 where it is not told. */
function announcedBytes(request: Incoming): number {
  return Number(request.headers["content-length"] ?? 0);
}

export interface HeldBody {
  readonly content: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
  release(): void;
}

/** Reads all of a body into memory, and holds its bytes of the budget until `release`. Throws BodyError. */
export async function readWhole(request: Incoming, limits: BodyLimits, budget: BodyBudget): Promise<HeldBody> {
  let heldBytes = 0;
  const holdUpTo = (bytes: number): void => {
    if (bytes <= heldBytes) return;
    budget.hold(bytes - heldBytes);
    heldBytes = bytes;
  };
  const hash = createHash("sha256");
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    checkAnnounced(request, limits);
    holdUpTo(announcedBytes(request));
    for await (const chunk of chunksOf(request, limits)) {
      bytes += chunk.length;
      holdUpTo(bytes);
      hash.update(chunk);
      chunks.push(chunk);
    }
  } catch (error) {
    budget.release(heldBytes);
    throw error;
  }
  return { content: Buffer.concat(chunks), sha256: hash.digest("hex"), release: () => budget.release(heldBytes) };
}

/**
 * Gives a body as a stream, of which only a few chunks are held. The stream fails with a BodyError, at its end too
 * where `isRight` does not accept the digest (hexadecimal): a reader that keeps nothing of a failed stream keeps
 * nothing that was not signed.
 */
export function readStream(request: Incoming, limits: BodyLimits, isRight: (sha256: string) => boolean): Readable {
  return Readable.from(verified(request, limits, isRight), { objectMode: false });
}

async function* verified(
  request: Incoming,
  limits: BodyLimits,
  isRight: (sha256: string) => boolean,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(request, limits)) {
    hash.update(chunk);
    yield chunk;
  }
  if (!isRight(hash.digest("hex"))) throw new BodyError("not signed", "The body is not the one that was signed.");
}
