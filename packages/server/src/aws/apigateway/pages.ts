/** Pages of lists, in the order of a key: an item that goes between two pages takes none of the others away. */
import { pageOf as entriesOf } from "../entry-pages.ts";
import { badRequest } from "../gateways/refusals.ts";

const PAGE_LENGTH = 25;
const PAGE_LENGTH_MAX = 500;

export interface PageWish {
  readonly limit?: number;
  readonly position?: string;
}

export function pageOf<T, P>(
  all: readonly T[],
  keyOf: (item: T) => string,
  present: (item: T) => P,
  { limit = PAGE_LENGTH, position }: PageWish,
): { readonly items: readonly P[]; readonly position?: string } {
  if (limit < 1) throw badRequest("limit must be 1 or more");
  const page = entriesOf(all, keyOf, { length: Math.min(limit, PAGE_LENGTH_MAX), token: position });
  if (page === null) throw badRequest("Invalid position parameter");
  return { items: page.items.map(present), ...(page.next === null ? {} : { position: page.next }) };
}
