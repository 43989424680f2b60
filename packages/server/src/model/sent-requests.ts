/**
 * Sorts the bytes that an environment sent to the outside by TCP: requests of HTTP/1, other plain text, and bytes that
 * can't be read here. Texts of the plain ones are listed by their place, for a comparison with those of other clones.
 * Pure; the bytes are foreign.
 *
 *     connection   GET /a?id=7 … POST /b {…}  │ GET /a?id=8 …
 *     invoke                    1             │     2            the invoke in which a request begins has it
 */
import { plainText, readHttpRequest, type RequestPart } from "./http-request.ts";

export interface SentConnection {
  /** Other end, as `ADDRESS:PORT`. */
  readonly peer: string;
  /** Bytes from the first one on; more each time the connection is looked at. */
  readonly bytes: Buffer;
  /** True where more was sent than was kept here. */
  readonly isCut: boolean;
}

export interface SentTraffic {
  /** Connections in the order of their beginning. */
  readonly connections: readonly SentConnection[];
  readonly isCut: boolean;
}

export interface SentReading {
  /** Texts that were sent in each invoke. */
  readonly parts: ReadonlyArray<readonly RequestPart[]>;
  readonly requests: number;
  /** Peers of the connections that are encrypted, one for each of them. */
  readonly encrypted: readonly string[];
  /** Peers that got other bytes that are no plain text, one for each connection. */
  readonly unreadable: readonly string[];
  /** True where more of the readable bytes was sent than was kept. */
  readonly isCut: boolean;
}

/** Content of a connection besides plain text. */
type Rest = "none" | "encrypted" | "unreadable";

interface Item {
  /** Offset in the connection at which it begins. */
  readonly at: number;
  readonly parts: readonly RequestPart[];
}

const ROOT = "request to ";

/** Says whether a place is that of one of these parts. */
export function isPlaceOfRequest(place: string): boolean {
  return place.startsWith(ROOT);
}

/**
 * Reads the traffic of all invokes; null where it could never be looked at.
 *
 * @param seen - Traffic after each invoke; null where it could not be looked at.
 */
export function readSent(seen: ReadonlyArray<SentTraffic | null>): SentReading | null {
  const last = seen.findLast((each) => each !== null) ?? null;
  if (last === null) return null;
  const parts = seen.map((): RequestPart[] => []);
  const encrypted: string[] = [];
  const unreadable: string[] = [];
  let requests = 0;
  let isCut = last.isCut;
  last.connections.forEach((connection, number) => {
    const ends = seen.map((each) => each?.connections[number]?.bytes.length ?? 0);
    const { items, rest } = readConnection(connection, ends);
    for (const item of items) {
      const own = parts[ends.findIndex((end) => end > item.at)];
      for (const part of item.parts) own?.push(part);
    }
    requests += items.length;
    if (rest === "encrypted") encrypted.push(connection.peer);
    else isCut ||= connection.isCut;
    if (rest === "unreadable") unreadable.push(connection.peer);
  });
  return { parts, requests, encrypted, unreadable, isCut };
}

/** Assigns parts to invokes; `ends` are the offsets that had been sent at the end of each invoke. */
function readConnection(
  { peer, bytes }: SentConnection,
  ends: readonly number[],
): { readonly items: readonly Item[]; readonly rest: Rest } {
  const items: Item[] = [];
  let at = 0;
  let rest: Rest = "none";
  while (at < bytes.length) {
    const request = readHttpRequest(bytes.subarray(at));
    if (request === null) break;
    items.push({ at, parts: request.parts.map((part) => ({ ...part, place: `${ROOT}${peer}, ${part.place}` })) });
    if (!request.isPlain) rest = "unreadable";
    at += request.sizeBytes;
  }
  if (at === bytes.length) return { items, rest };
  const left = bytes.subarray(at);
  if (isTls(left)) return { items, rest: "encrypted" };
  if (plainText(left) === null) return { items, rest: "unreadable" };
  // A protocol of lines, or one that nobody here knows: by what each invoke sent.
  for (const end of ends) {
    if (end <= at) continue;
    items.push({ at, parts: [{ place: `${ROOT}${peer}`, name: null, text: bytes.toString("utf8", at, end) }] });
    at = end;
  }
  return { items, rest };
}

/** Recognises the header of a handshake's record (RFC 8446, 5.1). */
function isTls(bytes: Buffer): boolean {
  return bytes[0] === 0x16 && bytes[1] === 0x03;
}
