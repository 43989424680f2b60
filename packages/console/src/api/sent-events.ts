/**
 * Events that this tab of the browser sent, so that one can be sent again. The server keeps no payload, and the tab
 * forgets them when it is closed.
 */
import type { InvokeType } from "./invoke.ts";

export interface SentEvent {
  readonly requestId: string;
  readonly functionName: string;
  readonly qualifier: string;
  readonly type: InvokeType;
  readonly event: string;
}

const PLACE = "sent events";
const COUNT_MAX = 20;
/** Characters of all of them together: a browser gives some millions to an origin. */
const LENGTH_MAX = 512 * 1024;

/** Puts an event before the others, of which the oldest give it room. One that is too large for that is not kept. */
export function withSent(before: readonly SentEvent[], sent: SentEvent): readonly SentEvent[] {
  const kept: SentEvent[] = [];
  let length = 0;
  for (const each of [sent, ...before].slice(0, COUNT_MAX)) {
    length += each.event.length;
    if (length > LENGTH_MAX) break;
    kept.push(each);
  }
  return kept;
}

export function rememberSent(sent: SentEvent): void {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(withSent(allSent(), sent)));
  } catch {
    // The browser has no more room: it can't be sent again, which its page says.
  }
}

/** Null: this tab did not send it, or keeps it no more. */
export function sentOf(requestId: string): SentEvent | null {
  return allSent().find((each) => each.requestId === requestId) ?? null;
}

function allSent(): readonly SentEvent[] {
  return JSON.parse(sessionStorage.getItem(PLACE) ?? "[]") as readonly SentEvent[];
}
