/** The addresses that topics send messages to, for functions that subscribe them. Whoever knows one may send. */
import { type Receipt, TOPICS_PATH } from "../../control/events/topic-subscriptions.ts";
import type { Reply } from "../reply.ts";
import type { Scopes } from "../scopes.ts";
import type { WireHead } from "../wire-head.ts";
import type { Admission, Front } from "./front.ts";
import type { OnProblem } from "./thaw/front.ts";

/** A message has 256 KiB; characters may be escaped in it, and in the message around it. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

const STATUS: Readonly<Record<Receipt, number>> = {
  taken: 200,
  unknown: 404,
  "not a message": 400,
  "wrong topic": 403,
  // Services try again then.
  again: 503,
};

export function isTopicPath({ path }: Pick<WireHead, "path">): boolean {
  return path.startsWith(TOPICS_PATH);
}

export function createTopicsFront(scopes: Scopes, onProblem: OnProblem): Front {
  return {
    admit(head): Admission | Reply {
      const id = head.path.slice(TOPICS_PATH.length);
      const scope = scopes.hosting("topicSubscription", id);
      if (scope === null || head.method !== "POST") return plain(404, "unknown");
      return {
        body: "whole",
        bytesMax: BODY_BYTES_MAX,
        tooLarge: () => plain(413, "too large"),
        async serve(body) {
          try {
            const receipt = await scope.control.topics.receive(id, body.toString("utf8"));
            return plain(STATUS[receipt], receipt);
          } catch (error) {
            onProblem("a message of a topic", error);
            return plain(503, "again");
          }
        },
      };
    },
  };
}

function plain(status: number, text: string): Reply {
  return { status, headers: { "Content-Type": "text/plain" }, body: Buffer.from(`${text}\n`) };
}
