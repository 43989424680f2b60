/** Who may use the web console: codes that the command line gets for a signed request, and tokens of browsers. */
import type { Caller } from "../model/caller.ts";

/** `read`: sees all but values of environment variables, and changes nothing. `admin`: as the key itself. */
export type ConsoleRole = "read" | "admin";

export interface ConsoleSession {
  /** For the server's log: it is no secret. */
  readonly tokenId: string;
  readonly role: ConsoleRole;
  readonly expiresAtMs: number;
  /** The owner of the access key that the code was asked for with. */
  readonly caller: Caller;
}

export interface ConsoleToken {
  readonly token: string;
  readonly session: ConsoleSession;
}

export interface ConsoleLogins {
  /**
   * Makes a code that is good for one exchange within a minute.
   *
   * @throws ApiError where too many codes wait, or the caller's key is a temporary one.
   */
  makeCode(caller: Caller, role: ConsoleRole): { readonly code: string; readonly expiresInS: number };
  /** Null where the code is unknown, used or too old. */
  exchange(code: string): ConsoleToken | null;
  /** Null where the token is not ours, has expired, was revoked, or its access key has gone. */
  read(token: string): ConsoleSession | null;
  /** Ends all tokens and codes of an account. Durable when it returns. */
  revoke(accountId: string): void;
}
