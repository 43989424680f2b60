export { createTokenIssuers } from "../issuers/token-issuers.ts";
