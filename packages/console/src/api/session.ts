/**
 * The login of this browser. The token is in localStorage, which each origin has for itself, port included; a cookie
 * would be sent to every server of this host. The code of `thaw console` is in the fragment of the address, which no
 * browser sends, and leaves it before anything else happens.
 */
import { signal } from "@preact/signals";
import type { AnswerOf } from "@thaw/thaw-api/types";

export type Session = AnswerOf<"readConsoleSession">;

const TOKEN = "thaw-console-token";

/** Null where nobody is logged in. */
export const session = signal<Session | null>(null);
/** Why nobody is logged in, in a sentence; null: nobody tried. */
export const loginProblem = signal<string | null>(null);

export function token(): string | null {
  return localStorage.getItem(TOKEN);
}

/** Forgets the login of this browser. */
export function logOut(why: string | null): void {
  localStorage.removeItem(TOKEN);
  session.value = null;
  loginProblem.value = why;
}

/** Takes the code out of the address, and its place in the history. Null where there is none. */
export function takeCode(): string | null {
  const { hash, pathname, search } = location;
  if (!hash.startsWith("#code=")) return null;
  history.replaceState(null, "", `${pathname}${search}`);
  return hash.slice("#code=".length);
}

export function keepLogin(given: { readonly token: string; readonly session: Session }): void {
  localStorage.setItem(TOKEN, given.token);
  session.value = given.session;
  loginProblem.value = null;
}
