/** What is to be known of a write before it is committed: how sure it must be, and whether it makes room. */
import type { Write } from "../ports/metadata-store.ts";

/** Whether a write may be lost with the host's power. It never overtakes one that was committed before. */
export function mayWaitForDisk(write: Write): boolean {
  return write.op === "putUnfinished" && write.work.kind === "event";
}

/** Whether it must work on a full disk. */
export function makesRoom({ op }: Write): boolean {
  return op === "remove" || op === "removeEvent" || op === "removeDelivery";
}
