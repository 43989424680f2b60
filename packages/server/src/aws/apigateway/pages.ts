/** Pages of lists, in the order of a key: an item that goes between two pages takes none of the others away. */
import { type Page, pageOf as entriesOf } from "../entry-pages.ts";
import { badRequest } from "../gateways/refusals.ts";

const PAGE_LENGTH = 25;
const PAGE_LENGTH_MAX = 500;

export interface PageWish {
  readonly limit?: number;
  readonly position?: string;
}

interface Answer<P> {
  readonly items: readonly P[];
  readonly position?: string;
}

export function pageOf<T, P>(
  all: readonly T[],
  keyOf: (item: T) => string,
  present: (item: T) => P,
  wish: PageWish,
): Answer<P> {
  const { items, position } = answerOf(entriesOf(all, keyOf, readWish(wish)));
  return { items: items.map(present), ...(position === undefined ? {} : { position }) };
}

/** How many a page has, and the token of the page before. */
export function readWish({ limit = PAGE_LENGTH, position }: PageWish) {
  if (limit < 1) throw badRequest("limit must be 1 or more");
  return { length: Math.min(limit, PAGE_LENGTH_MAX), token: position };
}

/** Throws where the position was none. */
export function answerOf<P>(page: Page<P> | null): Answer<P> {
  if (page === null) throw badRequest("Invalid position parameter");
  return { items: page.items, ...(page.next === null ? {} : { position: page.next }) };
}
