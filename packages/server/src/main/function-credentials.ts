/**
 * Temporary credentials for environments. Nothing accepts them yet; they have AWS's form, and each environment has its
 * own.
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { CredentialSource } from "../ports/credential-source.ts";

const LIFETIME_MS = 6 * 3_600_000;

export function createCredentialSource(clock: Clock, random: Random): CredentialSource {
  return {
    issue: () => ({
      accessKeyId: `ASIA${random.bytes(8).toString("hex").toUpperCase()}`,
      secretAccessKey: random.bytes(30).toString("base64"),
      sessionToken: random.bytes(96).toString("base64"),
      expiresAtMs: clock.nowMs() + LIFETIME_MS,
    }),
  };
}
