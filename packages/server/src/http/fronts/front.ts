/** An API on the listener: it sees a request's head first, and says how its body is to be read. */
import type { Readable } from "node:stream";
import type { Payload } from "@thaw/aws-api";
import type { Caller } from "../../model/caller.ts";
import type { ConsoleSession } from "../../ports/console-logins.ts";
import type { WireHead } from "../wire-head.ts";
import type { HostLabel } from "./host-target.ts";
import type { Reply } from "../reply.ts";

export interface FrontContext {
  readonly requestId: string;
  /** Who signed the request; null where no signature was asked for. */
  readonly caller: Caller | null;
  /** The login of the web console that a token names; null where there was none. */
  readonly session: ConsoleSession | null;
  /** How the signature covers the body; null where no signature was asked for. */
  readonly payload: Payload | null;
  /** Makes a signal that is aborted when the client has gone or the server is about to stop. */
  readonly untilGone: () => AbortSignal;
  /** Makes a link that needs no credentials, to a path of Thaw's own API. */
  readonly linkTo: (path: string) => string;
  /** Makes the address of a function URL or an HTTP API that works for this client. */
  readonly addressOf: (label: HostLabel, id: string) => string;
}

/** A request that may come: its signature's claim holds, its body has not been read. */
export type Admission = {
  /** Largest body that is taken. */
  readonly bytesMax: number;
  /** The login of the web console whose token the front has verified. */
  readonly session?: ConsoleSession;
  /** The refusal of a larger body. */
  readonly tooLarge: () => Reply;
} & (
  | { readonly body: "whole"; serve(body: Buffer, context: FrontContext): Promise<Reply> }
  /**
   * The stream fails with a BodyError where the body is too large, comes too slowly, or does not have the signed
   * digest; `serve` then rejects with that error.
   */
  | { readonly body: "stream"; serve(body: Readable, context: FrontContext): Promise<Reply> }
);

export interface Front {
  /** Decides by the head alone. The reply is a refusal. */
  admit(head: WireHead, requestId: string): Admission | Reply | Promise<Admission | Reply>;
}

/** The context of a front that is never reached without a signature. */
export function signedOf(context: FrontContext): FrontContext & { readonly caller: Caller } {
  const { caller } = context;
  if (caller === null) throw new Error("a request was carried out that nobody had signed");
  return { ...context, caller };
}

/** An admission whose reply is changed before it is sent. */
export function withReply(admission: Admission, change: (reply: Reply) => Reply): Admission {
  if (admission.body === "stream")
    return {
      ...admission,
      serve: async (body: Readable, context: FrontContext) => change(await admission.serve(body, context)),
    };
  return {
    ...admission,
    serve: async (body: Buffer, context: FrontContext) => change(await admission.serve(body, context)),
  };
}
