/** Names of functions that the template does not name, and of the stack that they are named after. */
import { createHash } from "node:crypto";

const NAME_LENGTH_MAX = 64;
const HASH_LENGTH = 8;
const STACK_NAME_LENGTH_MAX = 128;
const STACK_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

export function isStackName(name: string): boolean {
  return STACK_NAME.test(name) && name.length <= STACK_NAME_LENGTH_MAX;
}

/** Makes a stack's name out of a folder's. */
export function toStackName(folder: string): string {
  const plain = folder
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .slice(0, STACK_NAME_LENGTH_MAX - 6)
    .replace(/^[-_]+/, "")
    .replace(/[-_]+$/, "");
  if (plain === "") return "stack";
  return STACK_NAME.test(plain) ? plain : `stack-${plain}`;
}

/** `STACK-LOGICALID`; where that is too long for Lambda, shortened and made unique by a digest. */
export function defaultFunctionName(stackName: string, logicalId: string): string {
  const whole = `${stackName}-${logicalId}`;
  if (whole.length <= NAME_LENGTH_MAX) return whole;
  const digest = createHash("sha256").update(whole).digest("hex").slice(0, HASH_LENGTH);
  const room = NAME_LENGTH_MAX - HASH_LENGTH - 2;
  const id = logicalId.slice(0, room / 2);
  return `${stackName.slice(0, room - id.length)}-${id}-${digest}`;
}
