/** Lambda authorizers, called and their results kept: the same identity is asked about once in a while. */
import type { Clock } from "../../base/clock.ts";
import { inTime } from "../../base/in-time.ts";
import type { AuthorizerResult } from "../../model/authorizers/result.ts";
import type { CallFunction, FunctionCall } from "./function-calls.ts";

/** AWS's limit of a result; more is not read. */
const RESULT_BYTES_MAX = 64 * 1024;
const KEPT_MAX = 4096;

export interface AuthorizerCall extends FunctionCall {
  /** Names one identity at one authorizer of one deployment; null: it is asked each time. */
  readonly key: string | null;
  readonly ttlS: number;
  readonly timeoutMs: number;
  readonly read: (result: Buffer) => AuthorizerResult | null;
}

/** unauthorized: the authorizer itself said so. failed: the text says why. */
export type Authorized =
  | { readonly kind: "result"; readonly result: AuthorizerResult }
  | { readonly kind: "unauthorized" }
  | { readonly kind: "failed"; readonly why: string };

export type Authorize = (call: AuthorizerCall) => Promise<Authorized>;

export function createAuthorizers(clock: Clock, callFunction: CallFunction): Authorize {
  const kept = new Map<string, { readonly result: AuthorizerResult; readonly untilMs: number }>();
  return async ({ key, ttlS, timeoutMs, read, ...call }) => {
    const found = key === null ? undefined : kept.get(key);
    if (found !== undefined && found.untilMs > clock.nowMs()) return { kind: "result", result: found.result };
    const asked = await ask(callFunction, clock, call, timeoutMs, read);
    if (asked.kind === "result" && key !== null && ttlS > 0) {
      kept.delete(key);
      kept.set(key, { result: asked.result, untilMs: clock.nowMs() + ttlS * 1000 });
      const [oldest] = kept.keys();
      if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    }
    return asked;
  };
}

async function ask(
  callFunction: CallFunction,
  clock: Clock,
  call: FunctionCall,
  timeoutMs: number,
  read: AuthorizerCall["read"],
): Promise<Authorized> {
  try {
    const answered = await inTime(clock, answerOf(callFunction, call, read), timeoutMs);
    return answered ?? failed(`did not answer in ${timeoutMs} ms`);
  } catch (error) {
    return failed(`could not be called: ${String((error as Error).message)}`);
  }
}

async function answerOf(
  callFunction: CallFunction,
  call: FunctionCall,
  read: AuthorizerCall["read"],
): Promise<Authorized> {
  const outcome = await callFunction(call);
  if (typeof outcome === "string") return { kind: "failed", why: outcome };
  if (outcome.kind !== "response") return failed(`could not be run: ${outcome.kind}`);
  const bytes = await outcome.payload.collect(RESULT_BYTES_MAX);
  if (outcome.functionError !== null)
    return isUnauthorized(bytes) ? { kind: "unauthorized" } : failed("failed: its log says why");
  const result = read(bytes);
  return result === null ? failed("returned what is no policy, or more than 8 KB") : { kind: "result", result };
}

function failed(why: string): Authorized {
  return { kind: "failed", why: `the authorizer ${why}` };
}

/** A function that throws this text asks for 401. */
function isUnauthorized(bytes: Buffer): boolean {
  try {
    const error = JSON.parse(bytes.toString("utf8")) as { readonly errorMessage?: unknown } | null;
    return error?.errorMessage === "Unauthorized";
  } catch {
    return false;
  }
}
