/** Pages of lists that are read as a whole: a token is the place where the next one begins. */
import { invalid } from "./context.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export function pageOf<T>(all: readonly T[], token: string | undefined, size: number): Page<T> {
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isSafeInteger(from) || from < 0) throw invalidToken();
  const items = all.slice(from, from + size);
  return { items, next: from + size < all.length ? String(from + size) : null };
}

export function invalidToken(): Error {
  return invalid("NextToken is not valid");
}
