/** An invoke as the Test view makes it. */
import type { InvocationDetails } from "@thaw/thaw-api/invocations";
import { get, Refused, send } from "./client.ts";

export interface Invoked {
  readonly requestId: string;
  readonly status: number;
  /** Null where the function answered as it wanted to. */
  readonly functionError: string | null;
  readonly executedVersion: string | null;
  /** The first part of it. */
  readonly payload: string;
  readonly payloadLength: number;
  /** The end of the log; empty where none was asked for. */
  readonly log: string;
}

export type InvokeType = "RequestResponse" | "Event" | "DryRun";

const SHOWN_MAX = 64 * 1024;
const LOOKS_MAX = 10;
const LOOK_EVERY_MS = 200;

/** Throws a Refused where the invoke itself is refused. */
export async function invoke(name: string, qualifier: string, type: InvokeType, event: string): Promise<Invoked> {
  const path = `/_thaw/console/api/lambda/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
  const response = await send(`${path}?Qualifier=${encodeURIComponent(qualifier)}`, {
    method: "POST",
    headers: {
      "x-amz-invocation-type": type,
      ...(type === "RequestResponse" ? { "x-amz-log-type": "Tail" } : {}),
    },
    body: event,
  });
  const payload = await response.text();
  const log = response.headers.get("x-amz-log-result");
  return {
    requestId: response.headers.get("x-amzn-requestid") ?? "",
    status: response.status,
    functionError: response.headers.get("x-amz-function-error"),
    executedVersion: response.headers.get("x-amz-executed-version"),
    payload: indented(payload).slice(0, SHOWN_MAX),
    payloadLength: payload.length,
    log: log === null ? "" : decode(log),
  };
}

/** The server knows of an invocation when it has ended, a little later than its caller has the answer. */
export async function detailsOf(requestId: string): Promise<InvocationDetails | null> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    try {
      return await get("invocations/{requestId}", { parameters: { requestId } });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    await new Promise<void>((next) => setTimeout(next, LOOK_EVERY_MS));
  }
  return null;
}

function indented(payload: string): string {
  if (payload.length > SHOWN_MAX) return payload;
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload;
  }
}

function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
