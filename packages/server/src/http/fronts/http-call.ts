/** What fronts share that make an event of a request for a function. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { HttpCall } from "../../model/http-event.ts";
import { readTraceHeader } from "../../model/trace-header.ts";
import type { CallerKeys } from "../../ports/accounts.ts";
import type { Scopes } from "../scopes.ts";
import type { WireHead } from "../wire-head.ts";
import { sourceOf } from "./source.ts";

export interface CallServices {
  readonly scopes: Scopes;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: CallerKeys;
  /** Whether an address is that of a proxy whose X-Forwarded headers are believed. */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** AWS's limit of a synchronous invoke, of the event that is made of a request. */
export const EVENT_BYTES_MAX = 6 * 1024 * 1024;

type FromFront = Pick<
  HttpCall,
  "path" | "apiId" | "accountId" | "route" | "caller" | "granted" | "body" | "requestId" | "traceId"
>;

/** The call of a request; what the front has decided comes from it. */
export function callOf(head: WireHead, { clock, isTrustedProxy }: CallServices, decided: FromFront): HttpCall {
  return {
    ...sourceOf(head, isTrustedProxy),
    method: head.method,
    query: head.signed.query,
    headers: head.values,
    protocol: head.connection.protocol,
    domainName: head.hostName,
    timeMs: clock.nowMs(),
    ...decided,
    // An event names the chain of requests only.
    traceId: decided.traceId.split(";")[0] ?? decided.traceId,
  };
}

/** Nothing is sampled where nobody asked for it. */
export function traceIdOf(head: WireHead, { clock, random }: Pick<CallServices, "clock" | "random">): string {
  const given = readTraceHeader(head.values["x-amzn-trace-id"]?.[0]);
  if (given !== null) return given;
  const seconds = Math.floor(clock.nowMs() / 1000).toString(16);
  return `Root=1-${seconds}-${random.bytes(12).toString("hex")};Parent=${random.bytes(8).toString("hex")};Sampled=0`;
}
