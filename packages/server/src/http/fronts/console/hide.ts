/**
 * What a read-only login does not see: values of environment variables of functions, links to their code, and the
 * properties of resources of stacks, which hold the same.
 */
import type { Reply } from "../../reply.ts";
import { type Admission, withReply } from "../front.ts";

const PROPERTIES = /<ResourceProperties>[^<]*<\/ResourceProperties>/g;

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

/** Takes properties out of an answer of AWS CloudFormation. Text in XML has no `<` of its own. */
export function withoutProperties(reply: Reply): Reply {
  const { body } = reply;
  if (!Buffer.isBuffer(body)) throw new Error("an answer that is read for what it must not show has no body");
  const shown = body.toString("utf8").replaceAll(PROPERTIES, "");
  return { ...reply, body: Buffer.from(shown) };
}

/** Reviver: names of variables stay, their values do not. */
function withoutSecrets(name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (name === "Variables") return Object.fromEntries(Object.keys(value).map((key) => [key, ""]));
  if (name !== "Code" && name !== "Content") return value;
  const { Location: _, ...shown } = value as { readonly Location?: unknown };
  return shown;
}
