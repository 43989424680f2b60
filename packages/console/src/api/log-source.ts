/**
 * Log events of a function as they come, over broken connections: none twice, and none left out that the server still
 * has.
 */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { follow, Refused } from "./client.ts";
import { Unseen } from "@thaw/thaw-api/unseen";

export type LogEvent = AnswerOf<"readLogs">;

const RETRY_MS = 1000;

/** Ends when `signal` is aborted, or the server refuses: with its sentence. */
export async function followLog(
  name: string,
  sinceMs: number,
  signal: AbortSignal,
  onEvent: (event: LogEvent) => void,
): Promise<string | null> {
  const unseen = new Unseen(sinceMs);
  while (!signal.aborted) {
    try {
      unseen.begin();
      const query = { since: unseen.sinceMs, follow: true };
      const events = await follow("logs/{function}", { parameters: { function: name }, query }, signal);
      for await (const event of events) if (unseen.take(event)) onEvent(event);
    } catch (error) {
      if (error instanceof Refused) return error.message;
    }
    await new Promise<void>((next) => setTimeout(next, RETRY_MS));
  }
  return null;
}
