/** What a server knows of Thaw's own API before the first request to it, without the library that forms its routes. */
export const PREFIX = "/_thaw/v1/";

/** Routes that are answered without a signature; a test compares them with the table of all. */
export const PUBLIC_ROUTES: ReadonlySet<string> = new Set([`GET ${PREFIX}health`, `POST ${PREFIX}console/token`]);
