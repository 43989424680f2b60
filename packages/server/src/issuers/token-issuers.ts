/**
 * Tokens of issuers, checked as JWT authorizers of HTTP APIs check them: signature, issuer, audience and times.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 */
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { CheckedToken, TokenIssuers, TokenWish } from "../ports/token-issuers.ts";
import { FetchError } from "./fetch-document.ts";
import { IssuerKeys, type IssuerKeysOptions } from "./issuer-keys.ts";
import { issuerProblem } from "./issuer-url.ts";

/** AWS: "only RSA-based algorithms are supported". What a key of HMAC would be is public here. */
const ALGORITHMS = ["RS256", "RS384", "RS512"];
/** AWS's limit of all headers of a request. */
const TOKEN_LENGTH_MAX = 10_240;
/** The one text that AWS documents; the others say what is wrong in the same manner. */
const WRONG_AUDIENCE = "the token does not have a valid audience";
const MALFORMED = "the token is malformed";
const EXPIRED = "the token has expired";

export function createTokenIssuers(options: IssuerKeysOptions): TokenIssuers {
  const keys = new IssuerKeys(options);
  const { clock, isHttpIssuer } = options;
  return {
    problemOf: (issuer) => issuerProblem(issuer, isHttpIssuer),
    async check(token, wish) {
      const nowS = clock.nowMs() / 1000;
      const early = problemBefore(token, wish, nowS);
      if (typeof early === "string") return invalid(early);
      try {
        const { keys: set } = await keys.find(wish.issuer, early.keyId);
        const { payload } = await jwtVerify(token, set, {
          algorithms: ALGORITHMS,
          issuer: wish.issuer,
          currentDate: new Date(nowS * 1000),
        });
        return { kind: "valid", claims: payload };
      } catch (error) {
        return error instanceof FetchError
          ? invalid("OIDC discovery endpoint communication error", error.message)
          : invalid(descriptionOf(error));
      }
    },
  };
}

function invalid(description: string, why: string | null = null): CheckedToken {
  return { kind: "invalid", description, why };
}

/**
 * What can be seen without a key, so that nobody is asked for the keys of rubbish. A text says what is wrong; nothing
 * is believed yet.
 */
function problemBefore(token: string, wish: TokenWish, nowS: number): string | { readonly keyId: string } {
  if (token.length > TOKEN_LENGTH_MAX) return MALFORMED;
  try {
    const { alg = "none", kid } = decodeProtectedHeader(token);
    if (!ALGORITHMS.includes(alg)) return `signing method ${alg.replaceAll(/[^\w-]/g, "").slice(0, 20)} is invalid`;
    if (typeof kid !== "string" || kid === "") return "the token does not name the key that signed it: kid";
    return claimProblem(decodeJwt(token), wish, nowS) ?? { keyId: kid };
  } catch {
    return MALFORMED;
  }
}

/** Null: the claims are good, if they are the issuer's. No leeway is given: AWS documents none. */
function claimProblem(claims: JWTPayload, { issuer, audience }: TokenWish, nowS: number): string | null {
  if (claims.iss !== issuer) return "the token does not have a valid issuer";
  const given: unknown = claims.aud ?? claims["client_id"];
  const audiences: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (!audiences.some((each) => typeof each === "string" && audience.includes(each))) return WRONG_AUDIENCE;
  if (typeof claims.exp !== "number") return "the token does not say when it expires: exp";
  if (claims.exp <= nowS) return EXPIRED;
  if (isLater(claims.nbf, nowS)) return "the token is not valid yet";
  if (isLater(claims.iat, nowS)) return "the token was issued in the future";
  return null;
}

/** A time that is no number is none that has come. Times have whole seconds. */
function isLater(time: unknown, nowS: number): boolean {
  return time !== undefined && !(typeof time === "number" && Math.floor(time) <= nowS);
}

function descriptionOf(error: unknown): string {
  if (error instanceof errors.JWKSNoMatchingKey) return "unable to find the key that signed the token";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the signature of the token is invalid";
  if (error instanceof errors.JWTExpired) return EXPIRED;
  return MALFORMED;
}
