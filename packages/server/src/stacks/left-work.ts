/** What a start has to do for stacks: most servers have no stack that is being changed, and need no engine for them. */
import type { MetadataStore } from "../ports/metadata-store.ts";

const DAY_MS = 86_400_000;
/** As long as AWS shows stacks that were deleted. */
export const DELETED_KEPT_MS = 90 * DAY_MS;

/** Says whether the last life of the server left a run, or there are stacks to forget. */
export async function hasWorkLeft({ stacks }: Pick<MetadataStore, "stacks">, nowMs: number): Promise<boolean> {
  if ((await stacks.listRunning()).length > 0) return true;
  return (await stacks.listDeleted(nowMs - DELETED_KEPT_MS, 1)).length > 0;
}
