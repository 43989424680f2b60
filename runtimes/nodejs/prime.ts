/**
 * Serves the events of thaw.prime.json before the snapshot: `{"events": [...], "times": 3}`. The answers go nowhere.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createContext } from "./context.ts";
import { describeError } from "./errors.ts";
import type { Handler } from "./handler.ts";

const PRIMES = "/var/task/thaw.prime.json";
const TIMES_MAX = 1000;
const DEADLINE_MS = 60_000;

/** An event that fails is a line in the log: it must not cost the version. */
export async function primeHandler(handler: Handler): Promise<void> {
  for (const body of readEvents()) {
    const invocation = {
      requestId: randomUUID(),
      deadlineMs: Date.now() + DEADLINE_MS,
      invokedFunctionArn: `arn:thaw:prime:::function:${process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? ""}`,
      traceId: undefined,
      clientContext: undefined,
      body,
    };
    try {
      // As a request: parsed, handled, and turned into JSON again.
      JSON.stringify(await handler(JSON.parse(body), createContext(invocation)));
    } catch (error) {
      console.error("A prime event failed:", JSON.stringify(describeError(error)));
    }
  }
}

function readEvents(): readonly string[] {
  try {
    const { events, times = 1 } = JSON.parse(readFileSync(PRIMES, "utf8")) as { events: unknown[]; times?: number };
    const bodies = events.map((event) => JSON.stringify(event));
    return Array.from({ length: Math.min(times, TIMES_MAX) }, () => bodies).flat();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      console.error(`thaw.prime.json can't be read, nothing is primed: ${String(error)}`);
    return [];
  }
}
