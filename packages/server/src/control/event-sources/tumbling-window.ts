/**
 * Tumbling windows: stretches of time, one after the other, in which a function hands its state from batch to batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
 */

/** AWS's limit of a state, after which its window ends early. */
const STATE_BYTES_MAX = 1_048_576;

/** Start of the window that a time is in; 0 where there are no windows. */
export function windowStartOf(ms: number, windowS: number): number {
  return windowS === 0 ? 0 : Math.floor(ms / (windowS * 1000)) * windowS * 1000;
}

export function windowEndOf(startMs: number, windowS: number): number {
  return startMs + windowS * 1000;
}

export const EMPTY_STATE = "{}";

/** The state in a function's answer, as JSON; null where it has none that can be kept. */
export function stateOf(payload: Buffer): string | null {
  try {
    const { state } = JSON.parse(payload.toString("utf8")) as { readonly state?: unknown };
    if (typeof state !== "object" || state === null || Array.isArray(state)) return null;
    const text = JSON.stringify(state);
    return Buffer.byteLength(text) > STATE_BYTES_MAX ? null : text;
  } catch {
    return null;
  }
}
