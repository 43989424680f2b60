/** Those whose tokens JWT authorizers take. The library for tokens is loaded when one is first checked. */
import type { Clock } from "../base/clock.ts";
import { issuerProblem } from "../issuers/issuer-url.ts";
import type { TokenIssuers } from "../ports/token-issuers.ts";

/** AWS's limit, for each of the two documents of an issuer. */
const TIMEOUT_MS = 1500;

/** `httpIssuers`: origins that the operator lets be asked without encryption. */
export function createIssuers(httpIssuers: ReadonlySet<string>, clock: Clock): TokenIssuers {
  const isHttpIssuer = (url: URL): boolean => httpIssuers.has(url.origin);
  let loaded: Promise<TokenIssuers> | null = null;
  const load = (): Promise<TokenIssuers> =>
    (loaded ??= import("../issuers/token-issuers.ts").then(({ createTokenIssuers }) =>
      createTokenIssuers({ clock, isHttpIssuer, timeoutMs: TIMEOUT_MS }),
    ));
  return {
    problemOf: (issuer) => issuerProblem(issuer, isHttpIssuer),
    check: async (token, wish) => (await load()).check(token, wish),
  };
}
