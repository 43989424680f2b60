/** A front that its first request loads, with the model and the operations of its service. */
import { onUse } from "../../base/on-use.ts";
import { type Refusal, type Reply, replyOfError } from "../reply.ts";
import type { WireHead } from "../wire-head.ts";
import type { Front } from "./front.ts";
import type { OnProblem } from "./thaw/front.ts";

/** A front that forms refusals of the listener as its clients read them. */
export interface RefusingFront extends Front {
  refuse(problem: Refusal, requestId: string, head: Pick<WireHead, "method">): Reply | Promise<Reply>;
}

/** Where it can't be loaded, its requests get an internal error, and the log the reason. */
export function frontOnUse(load: () => Promise<RefusingFront>, onProblem: OnProblem): RefusingFront {
  const loaded = onUse(load);
  const withFront = async <T>(use: (front: RefusingFront) => T | Promise<T>): Promise<T | Reply> => {
    let front: RefusingFront;
    try {
      front = await loaded();
    } catch (error) {
      return replyOfError(error, onProblem);
    }
    return use(front);
  };
  return {
    admit: (...given) => withFront((front) => front.admit(...given)),
    refuse: (...given) => withFront((front) => front.refuse(...given)),
  };
}
