/** All snapshots of published versions. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { get } from "../api/client.ts";
import { pathOf } from "../route.ts";
import { Act, Heading, Loaded, Time } from "../ui/parts.tsx";
import { SnapshotBadge } from "../ui/snapshot-badge.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useData } from "../ui/use-data.ts";
import { counted, inBytes, timeOf } from "../words.ts";

type Snapshot = AnswerOf<"listSnapshots">["snapshots"][number];

const nameOf = ({ functionName, version }: Snapshot): string => `${functionName}:${version}`;

/** Reads all of a snapshot, and says what was found. */
export async function verify(snapshot: string): Promise<string> {
  const { isWhole, chunks, problems } = await get("snapshots/{snapshot}/verify", { parameters: { snapshot } });
  const found = problems.length === 0 ? "" : ` ${problems.join(" ")}`;
  return `${isWhole ? `whole: ${counted(chunks, "chunk")} read` : "damaged"}.${found}`;
}

/** One after the other: each reads all of a snapshot. */
async function verifyAll(snapshots: readonly Snapshot[]): Promise<string> {
  const taken = snapshots.filter(({ snapshotId }) => snapshotId !== null).map(nameOf);
  const damaged: string[] = [];
  for (const name of taken) {
    const { isWhole } = await get("snapshots/{snapshot}/verify", { parameters: { snapshot: name } });
    if (!isWhole) damaged.push(name);
  }
  return damaged.length === 0
    ? `${counted(taken.length, "snapshot")} verified: all whole.`
    : `${counted(taken.length, "snapshot")} verified. Damaged: ${damaged.join(", ")}.`;
}

const COLUMNS: ReadonlyArray<Column<Snapshot>> = [
  {
    name: "Version",
    value: nameOf,
    cell: (row) => <a href={pathOf({ view: "function", name: row.functionName, tab: "versions" })}>{nameOf(row)}</a>,
  },
  { name: "Runtime", value: (row) => row.runtime, cell: (row) => row.runtime },
  { name: "State", value: (row) => row.status, cell: (row) => <SnapshotBadge snapshot={row} /> },
  { name: "Memory", isNumber: true, value: (row) => row.memoryBytes, cell: (row) => inBytes(row.memoryBytes) },
  { name: "Disk", isNumber: true, value: (row) => row.diskBytes, cell: (row) => inBytes(row.diskBytes) },
  { name: "New bytes", isNumber: true, value: (row) => row.newBytes, cell: (row) => inBytes(row.newBytes) },
  { name: "Taken", value: (row) => timeOf(row.createdAt) ?? 0, cell: (row) => <Time atMs={timeOf(row.createdAt)} /> },
  {
    name: "Last used",
    value: (row) => timeOf(row.lastUsedAt) ?? 0,
    cell: (row) => <Time atMs={timeOf(row.lastUsedAt)} />,
  },
  {
    name: "Verify",
    cell: (row) =>
      row.snapshotId !== null && <Act label="Verify" about={nameOf(row)} run={() => verify(nameOf(row))} />,
  },
];

export function SnapshotsView() {
  const data = useData("snapshots", async (signal) => (await get("snapshots", {}, signal)).snapshots);
  const bytes = (data.value ?? []).reduce((sum, { newBytes }) => sum + newBytes, 0);
  return (
    <>
      <Heading title="Snapshots">
        {data.value !== null && (
          <span class="muted">
            {counted(data.value.length, "version")} with SnapStart, {inBytes(bytes)} after sharing
          </span>
        )}
        {(data.value?.length ?? 0) > 0 && (
          <Act label="Verify" about="all snapshots" run={() => verifyAll(data.value ?? [])} />
        )}
      </Heading>
      <Loaded data={data}>
        {(rows) => (
          <Table
            caption="Snapshots"
            columns={COLUMNS}
            rows={rows}
            keyOf={nameOf}
            empty="No published version has SnapStart."
            canFilter={rows.length > 5}
          />
        )}
      </Loaded>
    </>
  );
}
