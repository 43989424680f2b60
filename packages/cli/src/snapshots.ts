/** thaw snapshots ls | inspect | verify */
import { CommandError } from "@thaw/installation/command-error";
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

/** As the server's ports/snapshot-reader.ts has it. */
interface SnapshotContents extends SnapshotSummary {
  readonly fingerprint: string;
  readonly generation: number;
  readonly keyArn: string | null;
  readonly memoryBytes: number;
  readonly storedBytes: number;
  readonly spaces: ReadonlyArray<{
    readonly pid: number;
    readonly pages: number;
    readonly zeroPages: number;
    readonly lazyPages: number;
    readonly eagerPages: number;
    readonly regions: ReadonlyArray<{
      readonly address: string;
      readonly pages: number;
      readonly zeroPages: number;
      readonly lazyPages: number;
    }>;
  }>;
  readonly images: ReadonlyArray<{ readonly name: string; readonly sizeBytes: number }>;
  readonly disk: ReadonlyArray<{
    readonly path: string;
    readonly kind: string;
    readonly sizeBytes: number;
    readonly storedBytes: number;
  }>;
  readonly chunks: {
    readonly count: number;
    readonly bytes: number;
    readonly shared: number;
    readonly sharedBytes: number;
    readonly missing: number;
  };
  readonly workingSet: { readonly recordings: number; readonly pages: number } | null;
}

interface Verification extends SnapshotSummary {
  readonly isWhole: boolean;
  readonly chunks: number;
  readonly chunksFromAfar: number;
  readonly bytes: number;
  readonly problems: readonly string[];
}

export async function listSnapshots(connection: Connection, json: boolean): Promise<void> {
  const snapshots = await fetchList(connection);
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
  if (refreshes.length > 0)
    print(`${refreshes.length} of ${snapshots.length} still to be refreshed for a newer runtime\n`);
}

/** To the minute, UTC. */
function shortTime(iso: string | null): string {
  return iso === null ? "-" : iso.slice(0, 16).replace("T", " ");
}

export async function inspectSnapshot(connection: Connection, snapshot: string, json: boolean): Promise<void> {
  const contents = (await (
    await connection.admin("GET", `snapshots/${encodeURIComponent(snapshot)}`)
  ).json()) as SnapshotContents;
  if (json) printJson(contents);
  else print(describe(contents));
}

export interface VerifyOptions {
  readonly json: boolean;
  /** Only what is on the server's host. */
  readonly local: boolean;
}

export async function verifySnapshots(
  connection: Connection,
  snapshot: string | undefined,
  { json, local }: VerifyOptions,
): Promise<void> {
  const wanted =
    snapshot === undefined
      ? (await fetchList(connection)).map((each) => each.snapshotId).filter((id) => id !== null)
      : [snapshot];
  const found: Verification[] = [];
  const options = local ? { query: { local: "true" } } : {};
  for (const each of wanted) {
    const answer = await connection.admin("GET", `snapshots/${encodeURIComponent(each)}/verify`, options);
    found.push((await answer.json()) as Verification);
  }
  if (json) printJson(found);
  else for (const each of found) print(describeVerification(each));
  const damaged = found.filter((each) => !each.isWhole).length;
  if (damaged > 0)
    throw new CommandError(`${damaged} of ${found.length} snapshots ${damaged === 1 ? "is" : "are"} damaged`);
}

async function fetchList(connection: Connection): Promise<readonly SnapshotSummary[]> {
  return ((await (await connection.admin("GET", "snapshots")).json()) as { snapshots: SnapshotSummary[] }).snapshots;
}

function describeVerification(each: Verification): string {
  const fromAfar = each.chunksFromAfar === 0 ? "" : `, ${each.chunksFromAfar} of them read from the snapshot store`;
  const what = `${each.snapshotId}  ${each.functionName}:${each.version}  ${each.chunks} chunks, ${mib(each.bytes)}${fromAfar}`;
  return [`${what}: ${each.isWhole ? "whole" : "DAMAGED"}`, ...each.problems.map((problem) => `  ${problem}`), ""].join(
    "\n",
  );
}

function describe(each: SnapshotContents): string {
  const { chunks, workingSet } = each;
  const set =
    workingSet === null
      ? "not recorded yet"
      : `${workingSet.pages} pages (${mib(workingSet.pages * 4096)}) of ${workingSet.recordings} recordings`;
  const missing = chunks.missing === 0 ? "" : `, ${chunks.missing} not on this host`;
  const heads = [
    ["snapshot", each.snapshotId ?? "-"],
    ["function", `${each.functionName}:${each.version} (${each.runtime})`],
    ["created", each.createdAt ?? "-"],
    ["key", each.keyArn ?? "the installation's own"],
    ["generation", String(each.generation)],
    ["memory", `${mib(each.memoryBytes)}, ${mib(each.storedBytes)} of it not zero`],
    [
      "chunks",
      `${chunks.count} (${mib(chunks.bytes)}), ${chunks.shared} shared with other snapshots (${mib(chunks.sharedBytes)})${missing}`,
    ],
    ["working set", set],
    ["CRIU's files", `${each.images.length} (${mib(each.images.reduce((sum, image) => sum + image.sizeBytes, 0))})`],
  ].map(([name = "", text = ""]) => `${name.padEnd(14)}${text}\n`);
  const spaces = each.spaces.map((space) => [
    space.pid === 0 ? "shared" : String(space.pid),
    String(space.regions.length),
    ...[space.pages, space.zeroPages, space.lazyPages, space.eagerPages].map((pages) => mib(pages * 4096)),
  ]);
  const disk = each.disk.map((entry) => [entry.path, entry.kind, String(entry.sizeBytes), String(entry.storedBytes)]);
  const tables = [formatTable(["PROCESS", "REGIONS", "MEMORY", "ZERO", "LAZY", "EAGER"], spaces)];
  if (disk.length > 0) tables.push(formatTable(["PATH", "KIND", "BYTES", "STORED"], disk));
  return `${heads.join("")}\n${tables.join("\n")}`;
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
