/** Addresses that issuers may have. */

/** Says why no authorizer can have this issuer; null: it can. */
export function issuerProblem(issuer: string, isHttpIssuer: (url: URL) => boolean): string | null {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  if (url === null || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return `Invalid issuer: ${issuer.slice(0, 200)}. Issuer must be a URL without a query`;
  if (url.protocol === "https:" || (url.protocol === "http:" && isHttpIssuer(url))) return null;
  return `Invalid issuer: ${issuer.slice(0, 200)}. Issuer must have a scheme of https; one of http works where the operator names it: thaw serve --http-issuer ${url.origin}`;
}
