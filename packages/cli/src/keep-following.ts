/** Answers that go on: begun again when the server ends one, as at its restart. Each gap is told, and each end. */
import { setTimeout as delay } from "node:timers/promises";
import { AnswerFormError } from "@thaw/thaw-api/client";
import { CommandError } from "@thaw/installation/command-error";
import { RefusedError } from "./connection.ts";

const AGAIN_MS = 1000;

export interface Following {
  /** In the plural: of what the answers are. */
  readonly what: string;
  /** Reads one answer to its end. */
  readonly read: () => Promise<void>;
  /** True for what a further try can't mend. */
  readonly isFinal: (error: unknown) => boolean;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves when `signal` ends it. Rejects with an error that is final. */
export async function keepFollowing({ what, read, isFinal, say, signal }: Following): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    let problem = "the server has ended its answer";
    try {
      await read();
      told = "";
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      problem = reasonOf(error);
    }
    if (signal.aborted) return;
    if (problem !== told) say(`${what} are not shown at the moment: ${problem}. They go on when the server answers`);
    told = problem;
    await delay(AGAIN_MS, null, { signal }).catch(() => undefined);
  }
}

/** Follows as long as the person wants it, who ends it with Ctrl-C. What fails before the first answer is final. */
export async function followUntilInterrupted<T>(
  what: string,
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  show: (line: T) => void,
): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  let hasBegun = false;
  await keepFollowing({
    what,
    read: async () => {
      const lines = await open(stop.signal);
      hasBegun = true;
      for await (const line of lines) show(line);
    },
    isFinal: (error) => !hasBegun || isRefusal(error),
    say: (text) => process.stderr.write(`${text}\n`),
    signal: stop.signal,
  });
}

/** The server's own no, as to a key that has ended; one that stops or starts may refuse everything for a moment. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RefusedError) return error.status < 500;
  return error instanceof CommandError || error instanceof AnswerFormError;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { readonly cause?: { readonly message?: string } };
  return cause?.message ?? message;
}
