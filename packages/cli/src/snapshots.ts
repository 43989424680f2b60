/** thaw snapshots ls | inspect | verify */
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import type { SnapshotContents, SnapshotSummary, SnapshotVerification } from "@thaw/thaw-api";
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

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

/** Shows a time to the minute, UTC. */
function shortTime(iso: string | null): string {
  return iso === null ? "-" : iso.slice(0, 16).replace("T", " ");
}

export async function inspectSnapshot(connection: Connection, snapshot: string, json: boolean): Promise<void> {
  const contents = await connection.thaw.call("inspectSnapshot", { parameters: { snapshot } });
  if (json) printJson(contents);
  else print(describe(contents));
}

export interface VerifyOptions {
  readonly json: boolean;
  /** Reads only what is on the server's host. */
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
  const found: SnapshotVerification[] = [];
  const query = local ? { local } : {};
  for (const each of wanted)
    found.push(await connection.thaw.call("verifySnapshot", { parameters: { snapshot: each }, query }));
  if (json) printJson(found);
  else for (const each of found) print(describeVerification(each));
  const damaged = found.filter((each) => !each.isWhole).length;
  if (damaged > 0)
    throw new CommandError(
      `${damaged} of ${found.length} snapshots ${damaged === 1 ? "is" : "are"} damaged. A version is initialised again with its next invoke: ${PROGRAM} invoke FUNCTION:VERSION`,
    );
}

async function fetchList(connection: Connection): Promise<readonly SnapshotSummary[]> {
  return (await connection.thaw.call("listSnapshots", {})).snapshots;
}

function describeVerification(each: SnapshotVerification): string {
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
