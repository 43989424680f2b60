/** The tables of nftables that servers of Thaw make on the host, told apart from those of servers beside the test. */
import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { pidOf } from "../../tools/thaw-server.ts";

/** The name of a server's table: its sandboxd holds the lock of that number. */
export function ownTable(serverPid: number): string {
  const files = `/proc/${pidOf(serverPid, "sandboxd") ?? 0}/fd`;
  const held = readdirSync(files).map((fd) => {
    try {
      return readlinkSync(join(files, fd));
    } catch (error) {
      // One of another file that was closed meanwhile.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  });
  return `thaw${held.map((path) => /net-(\d+)\.lock$/.exec(path)?.[1]).find((number) => number !== undefined)}`;
}

/** Handles by name. Another table of the same name has another handle. */
export function tableHandles(): ReadonlyMap<string, number> {
  const listed = execFileSync("nft", ["-j", "list", "tables", "inet"], { encoding: "utf8" });
  const { nftables } = JSON.parse(listed) as { nftables: Array<{ table?: { name: string; handle: number } }> };
  return new Map(nftables.flatMap(({ table }) => (table === undefined ? [] : [[table.name, table.handle]])));
}
