/** Pages of lists, in the order of a key: a page goes on behind the last key of the one before. */
import type { Turns } from "../base/turns.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Null: there are no more. */
  readonly next: string | null;
}

/**
 * @param token - `next` of the page before.
 * @returns Null where the token is none of these.
 */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { length, token }: { readonly length: number; readonly token: string | undefined },
): Page<T> | null {
  const after = token === undefined ? null : readToken(token);
  if (token !== undefined && after === null) return null;
  const sorted = all.toSorted((a, b) => compare(keyOf(a), keyOf(b)));
  const rest = after === null ? sorted : sorted.filter((item) => compare(keyOf(item), after) > 0);
  const items = rest.slice(0, length);
  const last = items.at(-1);
  const next = last === undefined || items.length === rest.length ? null : tokenOf(keyOf(last));
  return { items, next };
}

/**
 * Makes a page of records that may be long, so that one at a time is in memory, and others have their turn in between.
 * @param readNext - the record behind an id; undefined where there is none.
 * @returns Null where the token is none of these.
 */
export async function readPage<T extends { readonly id: string }, P>(
  readNext: (after: string) => Promise<T | undefined>,
  present: (record: T) => P,
  { length, token, turns }: { readonly length: number; readonly token: string | undefined; readonly turns: Turns },
): Promise<Page<P> | null> {
  let after = token === undefined ? "" : readToken(token);
  if (after === null) return null;
  const items: P[] = [];
  for (let record = await readNext(after); record !== undefined; record = await readNext(after)) {
    // One more than the page has tells that there is another one.
    if (items.length === length) return { items, next: tokenOf(after) };
    items.push(present(record));
    after = record.id;
    await turns.next();
  }
  return { items, next: null };
}

/** The last key of the page before; empty at the beginning, and where the token is none of these. */
export function keyBefore(token: string | undefined): string {
  return token === undefined ? "" : (readToken(token) ?? "");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Tokens of some services are no longer than this. */
const TOKEN_LENGTH_MAX = 4096;

function tokenOf(key: string): string {
  return Buffer.from(`>${key}`).toString("base64url");
}

function readToken(token: string): string | null {
  if (token.length > TOKEN_LENGTH_MAX) return null;
  const text = Buffer.from(token, "base64url").toString();
  return text.startsWith(">") && tokenOf(text.slice(1)) === token ? text.slice(1) : null;
}
