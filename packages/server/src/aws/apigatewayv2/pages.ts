/** Pages of lists, by the id of the last item of the page before. */
import type { Page } from "../entry-pages.ts";
import { badRequest } from "../gateways/refusals.ts";

const PAGE_LENGTH = 100;

export interface PageWish {
  readonly MaxResults?: string;
  readonly NextToken?: string;
}

interface Answer<P> {
  readonly Items: readonly P[];
  readonly NextToken?: string;
}

/** How many a page has, and the token of the page before. */
export function readWish({ MaxResults, NextToken }: PageWish) {
  return { length: readLength(MaxResults), token: NextToken };
}

/** Throws where the token was none. */
export function answerOf<P>(page: Page<P> | null): Answer<P> {
  if (page === null) throw badRequest("Invalid NextToken");
  return { Items: page.items, ...(page.next === null ? {} : { NextToken: page.next }) };
}

export function pageOf<T, P>(
  all: readonly T[],
  idOf: (item: T) => string,
  present: (item: T) => P,
  { MaxResults, NextToken }: PageWish,
): Answer<P> {
  const length = readLength(MaxResults);
  const sorted = all.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const after = NextToken === undefined ? null : Buffer.from(NextToken, "base64url").toString();
  const start = after === null ? 0 : sorted.findIndex((item) => idOf(item) > after);
  const items = start === -1 ? [] : sorted.slice(start, start + length);
  const last = items.at(-1);
  const isEnd = last === undefined || start + items.length >= sorted.length;
  const next = isEnd ? {} : { NextToken: Buffer.from(idOf(last)).toString("base64url") };
  return { Items: items.map(present), ...next };
}

function readLength(text: string | undefined): number {
  if (text === undefined) return PAGE_LENGTH;
  const length = Number(text);
  if (!Number.isInteger(length) || length < 1) throw badRequest("MaxResults must be a whole number of 1 or more");
  return Math.min(length, PAGE_LENGTH);
}
