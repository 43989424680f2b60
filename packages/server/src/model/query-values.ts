/** Reads a query, as sent without the `?`: the values of each parameter, decoded. Each is looked at once. */
export function queryValues(query: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(`?${query}`)) {
    const found = values.get(name);
    if (found === undefined) values.set(name, [value]);
    else found.push(value);
  }
  return values;
}
