/** What a read-only login does not see of functions: values of environment variables, and links to their code. */
import type { Reply } from "../../reply.ts";
import { type Admission, withReply } from "../front.ts";

/** Hides it in the JSON document that an admitted request is answered with. */
export function hideSecrets(admission: Admission | Reply): Admission | Reply {
  return "status" in admission ? admission : withReply(admission, hidden);
}

function hidden(reply: Reply): Reply {
  if (reply.status >= 300) return reply;
  if (!Buffer.isBuffer(reply.body)) throw new Error("an answer that is read for what it must not show has no body");
  if (reply.body.length === 0) return reply;
  return { ...reply, body: Buffer.from(JSON.stringify(JSON.parse(reply.body.toString("utf8"), withoutSecrets))) };
}

/** Reviver: names of variables stay, their values do not. */
function withoutSecrets(name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (name === "Variables") return Object.fromEntries(Object.keys(value).map((key) => [key, ""]));
  if (name !== "Code" && name !== "Content") return value;
  const { Location: _, ...shown } = value as { readonly Location?: unknown };
  return shown;
}
