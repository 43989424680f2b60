/** The form of the handlers of Thaw's own API: one for each route, typed by it. */
import type { Readable } from "node:stream";
import type { AnswerOf, BodyOf, ParametersOf, QueryOf, RouteName, RoutesWith } from "@thaw/thaw-api";
import type { OperatorFaces } from "../../../control/operator/faces.ts";
import type { ControlPlane } from "../../../control/control-plane.ts";
import type { Caller } from "../../../model/caller.ts";
import type { Accounts } from "../../../ports/accounts.ts";
import type { ConsoleSession } from "../../../ports/console-logins.ts";
import type { Debugging } from "../../../ports/debugging.ts";
import type { Figures } from "../../observability.ts";
import type { Scopes } from "../../scopes.ts";
import type { ConsoleOptions } from "../console/options.ts";

export interface ThawApiRequest<N extends RouteName> {
  readonly parameters: ParametersOf<N>;
  readonly query: QueryOf<N>;
  readonly body: BodyOf<N>;
  /** The body as it comes, of routes that take any content; else empty. Its error is the request's. */
  readonly content: Readable;
  /** Aborted when the client has gone or the server is about to stop. */
  readonly gone: AbortSignal;
  /** Null where nobody had to sign. */
  readonly caller: Caller | null;
  /** The login of the web console; null where the request was signed. */
  readonly session: ConsoleSession | null;
}

export interface Bytes {
  readonly contentType: string;
  readonly bytes: Buffer | AsyncIterable<Uint8Array | string>;
}

type Answer<N extends RouteName> =
  N extends RoutesWith<"json">
    ? AnswerOf<N>
    : N extends RoutesWith<"lines">
      ? AsyncIterable<ReadonlyArray<AnswerOf<N>>>
      : Bytes;

export type Handler<N extends RouteName> = (request: ThawApiRequest<N>) => Answer<N> | Promise<Answer<N>>;

export type Handlers<N extends RouteName = RouteName> = { readonly [K in N]: Handler<K> };

/** The parts of the server that Thaw's own API shows. */
export interface ThawApiServices {
  readonly scopes: Scopes;
  readonly accounts: Accounts;
  readonly describeHost: () => Promise<AnswerOf<"describeHost">>;
  readonly figures: Figures;
  readonly console: ConsoleOptions;
  readonly debugging: Debugging;
}

/** The same, for a caller of one scope. */
export interface ScopedServices extends ThawApiServices {
  readonly control: OperatorFaces & Pick<ControlPlane, "snapshots" | "provisioned" | "checks">;
}
