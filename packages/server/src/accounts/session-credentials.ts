/**
 * Temporary credentials: those of functions, and the sessions that STS hands out. The session token says whose they are
 * and until when, signed by the installation's secret; the secret key follows from it. So nothing is kept, and they are
 * known after a restart of the server.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type CallerKey, sessionArn } from "../model/caller.ts";
import type {
  CredentialOwner,
  CredentialSource,
  NewSession,
  SessionSource,
  TemporaryCredentials,
} from "../ports/credential-source.ts";

const LIFETIME_MS = 6 * 3_600_000;
/** Longer than any that is made: names of functions, roles and sessions have 64 characters. */
const TOKEN_LENGTH_MAX = 1024;
const MAC_SIZE_BYTES = 32;

/** What each session behind a key has. */
interface SessionBase {
  readonly accessKeyId: string;
  readonly accountId: string;
  readonly expiresAtMs: number;
}

/** A function's. Their form is older than the others', and environments that live through a renewal have them. */
interface FunctionSession extends SessionBase {
  readonly roleName: string;
  readonly functionName: string;
}

interface GivenSession extends SessionBase {
  readonly principalArn: string;
  readonly userId: string;
  readonly kind: NewSession["kind"];
}

type Session = FunctionSession | GivenSession;

export class SessionCredentialSource implements CredentialSource, SessionSource {
  readonly #key: Buffer;
  readonly #clock: Clock;
  readonly #random: Random;

  /** `secret`: the installation's, at least 32 bytes. */
  constructor(secret: Buffer, clock: Clock, random: Random) {
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", "thaw function credentials", 32));
    this.#clock = clock;
    this.#random = random;
  }

  issue({ accountId, functionName, role }: CredentialOwner): TemporaryCredentials {
    const roleName = role.slice(role.lastIndexOf("/") + 1);
    return this.#issue(LIFETIME_MS, { accountId, roleName, functionName });
  }

  issueSession({ lifetimeMs, ...session }: NewSession): TemporaryCredentials {
    return this.#issue(lifetimeMs, session);
  }

  roleIdOf(roleName: string): string {
    return `AROA${this.#mac("role", Buffer.from(roleName)).toString("hex").toUpperCase().slice(0, 17)}`;
  }

  /** Null where this installation has not issued them. */
  keyOf(accessKeyId: string, sessionToken: string): CallerKey | "expired" | null {
    const session = this.#read(sessionToken);
    if (session === null || session.accessKeyId !== accessKeyId) return null;
    if (session.expiresAtMs <= this.#clock.nowMs()) return "expired";
    const { accountId } = session;
    return { secretAccessKey: this.#secretOf(sessionToken), accountId, isSession: true, ...this.#principalOf(session) };
  }

  #principalOf(session: Session): Pick<CallerKey, "principalArn" | "userId" | "kind"> {
    if (!("functionName" in session)) {
      const { principalArn, userId, kind } = session;
      return { principalArn, userId, kind };
    }
    const { accountId, roleName, functionName } = session;
    return {
      principalArn: sessionArn(accountId, roleName, functionName),
      userId: `${this.roleIdOf(roleName)}:${functionName}`,
      kind: "function",
    };
  }

  #issue(
    lifetimeMs: number,
    content: Omit<FunctionSession, "accessKeyId" | "expiresAtMs"> | Omit<GivenSession, "accessKeyId" | "expiresAtMs">,
  ): TemporaryCredentials {
    const expiresAtMs = this.#clock.nowMs() + lifetimeMs;
    const accessKeyId = `ASIA${this.#random.bytes(8).toString("hex").toUpperCase()}`;
    const sealed = Buffer.from(JSON.stringify({ accessKeyId, ...content, expiresAtMs }));
    const sessionToken = Buffer.concat([this.#mac("token", sealed), sealed]).toString("base64");
    return { accessKeyId, secretAccessKey: this.#secretOf(sessionToken), sessionToken, expiresAtMs };
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
