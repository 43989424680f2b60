/** How sure a write must be. */
import type { Write } from "../ports/metadata-store.ts";

/** Whether a write may be lost with the host's power. It never overtakes one that was committed before. */
export function mayWaitForDisk(write: Write): boolean {
  return write.op === "putUnfinished" && write.work.kind === "event";
}
