/** Pages of lists. */
import { keyPage } from "../key-pages.ts";
import { invalid } from "./stored-events.ts";

interface PageWish {
  readonly NextToken?: string;
  readonly Limit?: number;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly rest: { readonly NextToken?: string };
}

/** By key. */
export function pageOf<T>(all: readonly T[], keyOf: (item: T) => string, wish: PageWish): Page<T> {
  const { NextToken: given, Limit: length } = wish;
  const refuse = (): Error => invalid("Parameter NextToken is not valid.");
  const { items, token } = keyPage(all, keyOf, { token: given, length }, refuse);
  return { items, rest: token === null ? {} : { NextToken: token } };
}
