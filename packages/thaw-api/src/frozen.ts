/** `T` with every member and every list read-only, at all depths: values of the API are never changed in place. */
export type Frozen<T> = T extends readonly unknown[] | Record<string, unknown>
  ? { readonly [K in keyof T]: Frozen<T[K]> }
  : T;
