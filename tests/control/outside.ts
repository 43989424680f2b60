/** What control planes of tests have from outside, the same for all of them. */
import { systemClock } from "@thaw/server/testing/base";
import { fakeImages } from "@thaw/server/testing/fakes";
import { createTokenIssuers } from "@thaw/server/testing/issuers";

/** Issuers on this machine are asked without encryption, and have time to answer. */
const issuers = createTokenIssuers({
  clock: systemClock,
  isHttpIssuer: (url) => url.hostname === "127.0.0.1",
  timeoutMs: 60_000,
});

export const OUTSIDE = {
  primes: { readPrimeFile: async () => null },
  images: fakeImages,
  issuers,
  keys: { list: () => [], create: () => undefined, setState: () => undefined, remove: () => undefined },
};
