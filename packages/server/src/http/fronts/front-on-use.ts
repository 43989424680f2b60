/** A front that its first request loads, with the model and the operations of its service. */
import { foreignFault, type WireProtocol } from "@thaw/aws-api";
import { onUse } from "../../base/on-use.ts";
import { INTERNAL_ERROR, type Refusal, type Reply, replyOfError, toReply } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import type { Front } from "./front.ts";
import type { OnProblem } from "./thaw/front.ts";

type Head = Pick<WireHead, "method" | "path" | "query" | "headers">;

/** A front that forms refusals of the listener as its clients read them. */
export interface RefusingFront extends Front {
  refuse(problem: Refusal, requestId: string, head: Head): Reply | Promise<Reply>;
}

/** Says in which protocol a request is answered while its front is not there; null for Lambda's and Thaw's own. */
type ProtocolOf = (head: Head) => WireProtocol | null;

/** Where it can't be loaded, its requests get an internal error that their client can read, and the log the reason. */
export function frontOnUse(
  load: () => Promise<RefusingFront>,
  protocolOf: ProtocolOf,
  onProblem: OnProblem,
): RefusingFront {
  const loaded = onUse(load);
  const withFront = async <T>(head: Head, use: (front: RefusingFront) => T | Promise<T>): Promise<T | Reply> => {
    let front: RefusingFront;
    try {
      front = await loaded();
    } catch (error) {
      const protocol = protocolOf(head);
      if (protocol === null) return replyOfError(error, onProblem);
      onProblem("request", error);
      return toReply(foreignFault(protocol, head, INTERNAL_ERROR));
    }
    return use(front);
  };
  return {
    admit: (head, ...given) => withFront(head, (front) => front.admit(head, ...given)),
    refuse: (problem, requestId, head) => withFront(head, (front) => front.refuse(problem, requestId, head)),
  };
}
