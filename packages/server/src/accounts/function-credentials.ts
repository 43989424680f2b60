/**
 * Credentials of functions. The session token says whose they are and until when, signed by the installation's secret;
 * the secret key follows from it. So nothing is kept, and they are known after a restart of the server.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { CallerKey } from "../model/caller.ts";
import type { CredentialOwner, CredentialSource, FunctionCredentials } from "../ports/credential-source.ts";

const LIFETIME_MS = 6 * 3_600_000;
/** Longer than any that is made: a function's name has 64 characters, a role's 64. */
const TOKEN_LENGTH_MAX = 1024;
const MAC_SIZE_BYTES = 32;

/** The session behind a key. */
interface Session {
  readonly accessKeyId: string;
  readonly accountId: string;
  readonly roleName: string;
  readonly functionName: string;
  readonly expiresAtMs: number;
}

export class FunctionCredentialSource implements CredentialSource {
  readonly #key: Buffer;
  readonly #clock: Clock;
  readonly #random: Random;

  /** `secret`: the installation's, at least 32 bytes. */
  constructor(secret: Buffer, clock: Clock, random: Random) {
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", "thaw function credentials", 32));
    this.#clock = clock;
    this.#random = random;
  }

  issue({ accountId, functionName, role }: CredentialOwner): FunctionCredentials {
    const expiresAtMs = this.#clock.nowMs() + LIFETIME_MS;
    const session: Session = {
      accessKeyId: `ASIA${this.#random.bytes(8).toString("hex").toUpperCase()}`,
      accountId,
      roleName: role.slice(role.lastIndexOf("/") + 1),
      functionName,
      expiresAtMs,
    };
    const content = Buffer.from(JSON.stringify(session));
    const sessionToken = Buffer.concat([this.#mac("token", content), content]).toString("base64");
    return {
      accessKeyId: session.accessKeyId,
      secretAccessKey: this.#secretOf(sessionToken),
      sessionToken,
      expiresAtMs,
    };
  }

  /** Null where this installation has not issued them, or their time is over. */
  keyOf(accessKeyId: string, sessionToken: string): CallerKey | null {
    const session = this.#read(sessionToken);
    if (session === null || session.accessKeyId !== accessKeyId || session.expiresAtMs <= this.#clock.nowMs())
      return null;
    const { accountId, roleName, functionName } = session;
    return {
      secretAccessKey: this.#secretOf(sessionToken),
      accountId,
      principalArn: `arn:aws:sts::${accountId}:assumed-role/${roleName}/${functionName}`,
      userId: `AROA${this.#mac("role", Buffer.from(roleName)).toString("hex").toUpperCase().slice(0, 17)}:${functionName}`,
      kind: "function",
    };
  }

  #read(sessionToken: string): Session | null {
    if (sessionToken.length > TOKEN_LENGTH_MAX) return null;
    const bytes = Buffer.from(sessionToken, "base64");
    // One text for one session: the decoder leaves out what it does not know.
    if (bytes.length <= MAC_SIZE_BYTES || bytes.toString("base64") !== sessionToken) return null;
    const content = bytes.subarray(MAC_SIZE_BYTES);
    if (!timingSafeEqual(bytes.subarray(0, MAC_SIZE_BYTES), this.#mac("token", content))) return null;
    return JSON.parse(content.toString("utf8")) as Session;
  }

  #secretOf(sessionToken: string): string {
    return this.#mac("secret", Buffer.from(sessionToken)).subarray(0, 30).toString("base64");
  }

  #mac(purpose: string, content: Buffer): Buffer {
    return createHmac("sha256", this.#key).update(purpose).update("\0").update(content).digest();
  }
}
