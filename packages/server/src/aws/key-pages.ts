/** Pages of lists whose items have keys: a token is the key of the last item of the page before. */

const PAGE_LENGTH = 100;

export interface KeyPage<T> {
  readonly items: readonly T[];
  /** Null: there is no further page. */
  readonly token: string | null;
}

/** Gives the items behind the token, by key. Throws what `refuse` makes where the token is none. */
export function keyPage<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { token, length = PAGE_LENGTH }: { readonly token: string | undefined; readonly length: number | undefined },
  refuse: () => Error,
): KeyPage<T> {
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString("utf8");
  if (token !== undefined && (after === "" || Buffer.from(after).toString("base64url") !== token)) throw refuse();
  const left = all.filter((item) => keyOf(item) > after).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const items = left.slice(0, Math.min(length, PAGE_LENGTH));
  const last = items.at(-1);
  const isEnd = last === undefined || items.length === left.length;
  return { items, token: isEnd ? null : Buffer.from(keyOf(last)).toString("base64url") };
}
