/** Refusals of the listener, such as that of a signature, by S3's codes. */
import { S3Error } from "../../../aws/s3/create-s3.ts";
import type { Refusal } from "../../reply.ts";

export function refusalOfHead({ name, reason, message }: Refusal, region: string): S3Error {
  switch (reason) {
    case "expired":
      return new S3Error("AccessDenied", "Request has expired");
    case "skewed":
      return new S3Error(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
      );
    case "region":
      return new S3Error(
        "AuthorizationHeaderMalformed",
        `The authorization header is malformed; the region is wrong; expecting '${region}'`,
        { elements: { Region: region } },
      );
    case "target":
      return new S3Error("InvalidURI", "Couldn't parse the specified URI.");
    case "digest":
      return new S3Error("XAmzContentSHA256Mismatch", message);
    case "headers":
      return new S3Error("AccessDenied", message);
    default:
      return new S3Error(CODES[name] ?? "InvalidRequest", TEXTS[name] ?? message);
  }
}

const MISSING = "MissingAuthenticationTokenException";
const CODES: Readonly<Record<string, string>> = {
  [MISSING]: "AccessDenied",
  IncompleteSignatureException: "AuthorizationHeaderMalformed",
  InvalidSignatureException: "SignatureDoesNotMatch",
  UnrecognizedClientException: "InvalidAccessKeyId",
  ExpiredTokenException: "ExpiredToken",
  TooManyRequestsException: "SlowDown",
  InvalidRequestContentException: "IncompleteBody",
};
/** What S3 says otherwise than the other services. */
const TEXTS: Readonly<Record<string, string>> = {
  [MISSING]: "Access Denied",
  ExpiredTokenException: "The provided token has expired.",
};
