/** thaw snapshots ls | inspect */
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

interface SnapshotSummary {
  readonly snapshotId: string | null;
  readonly functionName: string;
  readonly version: string;
  readonly runtime: string;
  readonly status: string;
  readonly createdAt: string | null;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
  readonly memoryBytes: number;
}

export async function listSnapshots(connection: Connection, json: boolean): Promise<void> {
  const { snapshots } = (await (await connection.admin("GET", "snapshots")).json()) as { snapshots: SnapshotSummary[] };
  if (json) return printJson(snapshots);
  const rows = snapshots.map((each) => [
    each.snapshotId ?? "-",
    `${each.functionName}:${each.version}`,
    each.runtime,
    each.status,
    `${(each.memoryBytes / 2 ** 20).toFixed(0)} MiB`,
    shortTime(each.createdAt),
    shortTime(each.lastUsedAt),
    shortTime(each.expiresAt),
  ]);
  print(formatTable(["SNAPSHOT", "FUNCTION", "RUNTIME", "STATUS", "MEMORY", "CREATED", "LAST USED", "EXPIRES"], rows));
  const refreshes = snapshots.filter((each) => each.status.startsWith("refresh"));
  if (refreshes.length > 0) print(`${refreshes.length} of ${snapshots.length} still to be refreshed for a newer runtime\n`);
}

/** To the minute, UTC. */
function shortTime(iso: string | null): string {
  return iso === null ? "-" : iso.slice(0, 16).replace("T", " ");
}

export async function inspectSnapshot(connection: Connection, id: string): Promise<void> {
  printJson(await (await connection.admin("GET", `snapshots/${encodeURIComponent(id)}`)).json());
}
