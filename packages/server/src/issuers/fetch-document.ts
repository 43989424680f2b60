/** A JSON document of an issuer, fetched with limits: who answers is not trusted more than who asks. */
import type { Clock } from "../base/clock.ts";

export interface FetchLimits {
  readonly timeoutMs: number;
  readonly sizeBytesMax: number;
}

/** The text says what is wrong, for whoever runs the server. */
export class FetchError extends Error {
  override readonly name = "FetchError";
}

/** Throws a FetchError where no document comes in time. Redirects are not followed: they may lead inside a network. */
export async function fetchDocument(
  url: URL,
  { timeoutMs, sizeBytesMax }: FetchLimits,
  clock: Clock,
): Promise<Readonly<Record<string, unknown>>> {
  const late = new AbortController();
  const stop = clock.after(timeoutMs, () =>
    late.abort(new FetchError(`${url.href} did not answer in ${timeoutMs} ms`)),
  );
  try {
    const answer = await fetch(url, {
      redirect: "manual",
      signal: late.signal,
      headers: { accept: "application/json" },
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new FetchError(`${url.href} answers ${answer.status}, and redirects are not followed`);
    }
    return parse(await readWhole(answer, url, sizeBytesMax), url);
  } catch (error) {
    if (error instanceof FetchError) throw error;
    if (late.signal.aborted) throw late.signal.reason;
    const cause = (error as Error).cause;
    const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(error);
    throw new FetchError(`${url.href} could not be read: ${reason}`);
  } finally {
    stop();
  }
}

/** Leaving the loop ends the connection. */
async function readWhole(answer: Response, url: URL, sizeBytesMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of answer.body ?? []) {
    sizeBytes += part.length;
    if (sizeBytes > sizeBytesMax) throw new FetchError(`${url.href} has more than ${sizeBytesMax} bytes`);
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts).toString("utf8");
}

function parse(text: string, url: URL): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Told below.
  }
  throw new FetchError(`${url.href} is no JSON document`);
}
