/** Pages of lists. */
import { keyPage } from "../key-pages.ts";
import { invalid } from "./stored-schedules.ts";

interface PageWish {
  readonly NextToken?: string;
  readonly MaxResults?: number;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly rest: { readonly NextToken?: string };
}

export function pageOf<T>(all: readonly T[], keyOf: (item: T) => string, wish: PageWish): Page<T> {
  const { NextToken: given, MaxResults: length } = wish;
  const { items, token } = keyPage(all, keyOf, { token: given, length }, () => invalid("The NextToken is not valid."));
  return { items, rest: token === null ? {} : { NextToken: token } };
}
