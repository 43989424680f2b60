/** Versions of a function that can be checked: those with SnapStart, the newest first. */
import { get } from "../api/client.ts";

export async function checkable(name: string, signal: AbortSignal): Promise<readonly string[]> {
  const { snapshots } = await get("snapshots", { query: { function: name } }, signal);
  return snapshots.map(({ version }) => version).sort((a, b) => Number(b) - Number(a));
}
