/** Tokens of pages and ids of events, in AWS's forms where clients can see them. */
import { createHash } from "node:crypto";
import type { LogPosition } from "../../ports/log-groups.ts";
import { invalidParameter } from "./context.ts";

/** AWS's ids are numbers of 56 digits that begin with the time: 144 bits stand behind the milliseconds. */
const DIGITS = 56;
const TIME_SHIFT = 144n;
const ID_SHIFT = 80n;
const ID_MASK = (1n << 64n) - 1n;
const EVENT_TOKEN = /^([fb])\/(\d{56,60})\/s$/;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export interface EventToken {
  readonly direction: "forward" | "backward";
  readonly position: LogPosition;
}

export function invalidToken(): Error {
  return invalidParameter("The specified nextToken is invalid.");
}

/** The id of an event, which is unique in its group; ids are in the order of pages. */
export function eventIdOf({ timestampMs, id }: LogPosition): string {
  return ((BigInt(timestampMs) << TIME_SHIFT) | (BigInt(id) << ID_SHIFT)).toString().padStart(DIGITS, "0");
}

/** Writes a token of GetLogEvents. */
export function eventTokenOf({ direction, position }: EventToken): string {
  return `${direction === "forward" ? "f" : "b"}/${eventIdOf(position)}/s`;
}

/** Reads a token of GetLogEvents. Throws InvalidParameterException for any other text. */
export function readEventToken(token: string): EventToken {
  const [, letter, digits] = EVENT_TOKEN.exec(token) ?? [];
  if (digits === undefined) throw invalidToken();
  const number = BigInt(digits);
  const [timestampMs, id] = [number >> TIME_SHIFT, (number >> ID_SHIFT) & ID_MASK];
  if (timestampMs > SAFE_MAX || id > SAFE_MAX) throw invalidToken();
  const position = { timestampMs: Number(timestampMs), id: Number(id) };
  return { direction: letter === "f" ? "forward" : "backward", position };
}

/**
 * Writes a token of a list, which goes on behind `place`.
 *
 * @param asked - What the request asks for: with another question the token is refused.
 */
export function listTokenOf(asked: unknown, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([digestOf(asked), ...place])).toString("base64url");
}

/** Reads a token of a list; null where there is none. Throws InvalidParameterException for any other text. */
export function readListToken(asked: unknown, token: string | undefined): readonly (string | number)[] | null {
  if (token === undefined) return null;
  const [digest, ...place] = parse(token);
  if (digest !== digestOf(asked)) throw invalidToken();
  return place;
}

function parse(token: string): readonly (string | number)[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(parsed) && parsed.every((part) => typeof part === "string" || Number.isSafeInteger(part)))
      return parsed as readonly (string | number)[];
  } catch {
    // No token of ours.
  }
  throw invalidToken();
}

function digestOf(asked: unknown): string {
  return createHash("sha256").update(JSON.stringify(asked)).digest("base64url").slice(0, 16);
}
