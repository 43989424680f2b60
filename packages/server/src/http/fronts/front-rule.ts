/** How a request finds its front. */
import type { Refusal, Reply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import type { Front } from "./front.ts";

export interface FrontChoice {
  /** Services whose signatures are accepted for this request. */
  readonly services: readonly string[];
  /** True where no signature is asked for. */
  readonly isPublic: boolean;
  /** The front of a signature's service, or of a public request. */
  of(service: string): Front;
  /** Forms a refusal of the listener, such as that of a signature. */
  refuse(problem: Refusal, requestId: string): Reply | Promise<Reply>;
}

/** The parts of a head that a front is chosen by, before its signature is read. */
export type FrontHead = Pick<WireHead, "method" | "path" | "hostName" | "query" | "headers">;

export type ChooseFront = (head: FrontHead) => FrontChoice;

/** Takes the requests of one API by their heads; null leaves a request to the rules that follow. */
export type FrontRule = (head: FrontHead) => FrontChoice | null;
