/** thaw snapshots ls | inspect */
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

interface SnapshotSummary {
  readonly snapshotId: string;
  readonly functionName: string;
  readonly version: string;
  readonly runtime: string;
  readonly createdAt: string;
}

export async function listSnapshots(connection: Connection, json: boolean): Promise<void> {
  const { snapshots } = (await (await connection.admin("GET", "snapshots")).json()) as { snapshots: SnapshotSummary[] };
  if (json) return printJson(snapshots);
  const rows = snapshots.map((each) => [each.snapshotId, `${each.functionName}:${each.version}`, each.runtime, each.createdAt]);
  return print(formatTable(["SNAPSHOT", "FUNCTION", "RUNTIME", "CREATED"], rows));
}

export async function inspectSnapshot(connection: Connection, id: string): Promise<void> {
  printJson(await (await connection.admin("GET", `snapshots/${encodeURIComponent(id)}`)).json());
}
