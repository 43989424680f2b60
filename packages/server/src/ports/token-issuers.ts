/** Those who issue tokens, as JWT authorizers ask them for their keys. Implemented by issuers/. */

export interface TokenWish {
  readonly issuer: string;
  /** The token must be for one of them. */
  readonly audience: readonly string[];
}

/** `description` is for whoever sent the token; `why`, where it is not null, for whoever runs the server. */
export type CheckedToken =
  | { readonly kind: "valid"; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: "invalid"; readonly description: string; readonly why: string | null };

export interface TokenIssuers {
  /** Says why no authorizer can have this issuer; null: it can. Nobody is asked. */
  problemOf(issuer: string): string | null;
  /** Checks a token by the keys of its issuer, which are fetched where they are not known. */
  check(token: string, wish: TokenWish): Promise<CheckedToken>;
}
