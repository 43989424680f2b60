/** console/code, console/token, console/session, console/revoke */
import type { AnswerOf } from "@thaw/thaw-api";
import { ApiError } from "../../../model/api-error.ts";
import type { Caller } from "../../../model/caller.ts";
import type { ConsoleSession } from "../../../ports/console-logins.ts";
import type { Handlers, ScopedServices } from "./handlers.ts";

type ConsoleRoute = "makeConsoleCode" | "exchangeConsoleCode" | "readConsoleSession" | "revokeConsole";
type Session = AnswerOf<"readConsoleSession">;

/** Makes the handlers of the routes about the web console. */
export function consoleHandlers({ console: { logins, mode, version } }: ScopedServices): Handlers<ConsoleRoute> {
  return {
    makeConsoleCode({ body, caller }) {
      if (mode === "off")
        throw new ApiError("AccessDeniedException", "The console is off (THAW_CONSOLE=off): start the server without.");
      const { code, expiresInS } = logins.makeCode(known(caller), body?.role ?? "admin");
      return { path: `/_thaw/console/#code=${code}`, expiresInS };
    },
    exchangeConsoleCode({ body }) {
      const made = logins.exchange(body.code);
      if (made === null)
        throw new ApiError("AccessDeniedException", "This login was used already, or is over a minute old.");
      return { token: made.token, session: shown(made.session, version) };
    },
    readConsoleSession({ session }) {
      if (session === null)
        throw new ApiError("AccessDeniedException", "Only the console, with its token, has a session.");
      return shown(session, version);
    },
    revokeConsole({ caller }) {
      logins.revoke(known(caller).accountId);
      return { revoked: true };
    },
  };
}

function known(caller: Caller | null): Caller {
  if (caller === null) throw new Error("a request was carried out that nobody had signed");
  return caller;
}

function shown({ role, expiresAtMs, caller }: ConsoleSession, version: string): Session {
  const { accountId, region, accessKeyId, kind } = caller;
  return { role, accountId, region, accessKeyId, isOperator: kind === "operator", expiresAtMs, version };
}
