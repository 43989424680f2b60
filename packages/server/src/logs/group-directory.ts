/** Names of log groups' directories: readable, one for each group, never a path. */
import { createHash } from "node:crypto";

/** File systems allow 255 bytes. */
const NAME_LENGTH_MAX = 200;

export function groupDirectoryName(logGroup: string): string {
  const encoded = encodeURIComponent(logGroup).replaceAll(".", "%2E").replaceAll("*", "%2A");
  if (encoded !== "" && encoded.length <= NAME_LENGTH_MAX) return encoded;
  const digest = createHash("sha256").update(logGroup).digest("hex").slice(0, 32);
  return `${encoded.slice(0, NAME_LENGTH_MAX - 33)}~${digest}`;
}
