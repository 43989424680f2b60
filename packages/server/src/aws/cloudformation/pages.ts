/** Pages of lists that are read as a whole. */
import { type Page, pageOf as entriesOf } from "../entry-pages.ts";
import { invalid } from "./context.ts";

/** By key: an item that goes between two pages takes none of the others away. */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
  size: number,
): Page<T> {
  const page = entriesOf(all, keyOf, { length: size, token });
  if (page === null) throw invalidToken();
  return page;
}

/** In the order of a list that never changes: a token is the place where the next page begins. */
export function pageOfFixed<T>(all: readonly T[], token: string | undefined, size: number): Page<T> {
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isSafeInteger(from) || from < 0) throw invalidToken();
  const items = all.slice(from, from + size);
  return { items, next: from + size < all.length ? String(from + size) : null };
}

export function invalidToken(): Error {
  return invalid("NextToken is not valid");
}
