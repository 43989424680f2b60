/** Names that CloudFormation makes up: stack, logical id, and a suffix that the action's token determines. */
import { createHash } from "node:crypto";

const SUFFIX_LENGTH = 12;

export interface NameParts {
  readonly stackId: string;
  readonly stackName: string;
  readonly logicalId: string;
  readonly token: string;
}

/** Cut to `max` characters: first the stack's name and the logical id, the longer one before the other. */
export function makeName(parts: NameParts, max: number, isLower: boolean): string {
  const suffix = suffixOf(parts);
  const room = max - SUFFIX_LENGTH - 2;
  const half = Math.floor(room / 2);
  const { stackName, logicalId } = parts;
  const stackLength = Math.max(half, room - logicalId.length);
  const stack = stackName.slice(0, stackLength).replace(/-+$/, "");
  const logical = logicalId.slice(0, room - Math.min(stackName.length, stackLength));
  const name = `${stack}-${logical}-${suffix}`;
  return isLower ? name.toLowerCase() : name;
}

/** A request token in the form of a UUID, the same for the same action. */
export function requestTokenOf({ stackId, token }: Pick<NameParts, "stackId" | "token">): string {
  const hex = createHash("sha256")
    .update(JSON.stringify([stackId, token]))
    .digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

function suffixOf({ stackId, logicalId, token }: NameParts): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([stackId, logicalId, token]))
    .digest("hex");
  return BigInt(`0x${digest}`).toString(36).slice(-SUFFIX_LENGTH).toUpperCase();
}
