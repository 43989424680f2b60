/**
 * A function's memory and /tmp lie nowhere in the clear: random bytes that a function holds in both are searched for in
 * all files of the data directory, of the far store and of the host's run directory, after each step of a snapshot's
 * life and beside running clones.
 */
import {
  chmodSync,
  createReadStream,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, onTestFinished } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { startColdHost } from "../support/hosts.ts";

const NEEDLE_SIZE_BYTES = 32;
const PIECE_SIZE_BYTES = 1 << 22;
const ZEROS = Buffer.alloc(PIECE_SIZE_BYTES);
/**
 * Needles lie in a mass of random bytes, which no compression changes: where nothing were sealed they would be there to
 * be found.
 */
const HAYSTACK = {
  "index.mjs": `import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
const inMemory = randomBytes(1 << 20);
writeFileSync("/tmp/needles", randomBytes(1 << 20));
const needles = (mass) => [2, 5].map((part) => mass.subarray((part << 17) + 99).subarray(0, ${NEEDLE_SIZE_BYTES}).toString("hex"));
export const handler = async () => [...needles(inMemory), ...needles(readFileSync("/tmp/needles"))];
`,
};

interface Found {
  readonly files: number;
  readonly bytes: number;
  /** Paths of files that have one of the needles. */
  readonly paths: readonly string[];
}

/** Regular files below a directory, without following links or leaving the disk. */
function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

async function hasNeedle(path: string, needles: readonly Buffer[]): Promise<boolean> {
  const overlap = Math.max(...needles.map((needle) => needle.length)) - 1;
  let last = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_SIZE_BYTES })) {
    // Disks that are ready for the next sandboxes are large and empty.
    if (last.length > 0 && last.equals(ZEROS.subarray(0, overlap)) && ZEROS.equals(piece as Buffer)) continue;
    const seen = Buffer.concat([last, piece as Buffer]);
    if (needles.some((needle) => seen.includes(needle))) return true;
    last = seen.subarray(-overlap);
  }
  return false;
}

/** Searches for needles, as they are and as hexadecimal digits. */
async function search(dirs: readonly string[], needles: readonly string[]): Promise<Found> {
  const wanted = needles.flatMap((needle) => [Buffer.from(needle, "hex"), Buffer.from(needle)]);
  const found = { files: 0, bytes: 0, paths: [] as string[] };
  for (const path of dirs.flatMap(filesBelow)) {
    // One that goes in the middle is nowhere any more.
    const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const isThere = await hasNeedle(path, wanted).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    });
    found.files++;
    found.bytes += size;
    if (isThere) found.paths.push(path);
  }
  return found;
}

const runDirOf = (server: ThawServer): string => join("/run/thaw", String(server.pid));

interface SnapshotView {
  readonly generation: number;
}

async function generationOf(functions: TestFunctions, name: string, version: string): Promise<number> {
  const reply = await functions.admin("GET", `snapshots/${name}:${version}`);
  return ((await reply.json()) as SnapshotView).generation;
}

/**
 * Programs with memory of functions, or with keys: none of it is in a core dump, and what is laid out is never swapped.
 */
it("no memory goes into core dumps, and none of a snapshot that is laid out into swap", async ({ expect }) => {
  const server = await startThaw();
  onTestFinished(() => server.remove());
  const functions = new TestFunctions(server);
  const name = await functions.createSnapStart(HAYSTACK);
  expect((await functions.invoke(name, {}, await functions.publish(name))).log).toContain("Restore Duration");
  const processes = childrenOf(server.pid);
  const find = (part: RegExp): number => processes.find(({ command }) => part.test(command))?.pid ?? 0;
  const parts = [
    server.pid,
    find(/serve\.(?:ts|mjs)\b/),
    find(/^\S*thaw-pager/),
    find(/^thaw-keeper/),
    find(/thaw-sandboxd serve/),
  ];
  for (const pid of parts) {
    expect(readFileSync(`/proc/${pid}/coredump_filter`, "utf8").trim(), String(pid)).toBe("00000000");
  }
  // Not dumpable: the files of such a process belong to root, whoever it is.
  expect(statSync(`/proc/${find(/^\S*thaw-pager/)}/environ`).uid).toBe(0);
  const mounts = readFileSync(`/proc/${find(/thaw-sandboxd serve/)}/mountinfo`, "utf8");
  const line = mounts.split("\n").find((each) => each.includes(`/${server.pid}/private `)) ?? "";
  expect(line).toContain(" tmpfs ");
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major > 6 || (major === 6 && minor >= 4)) expect(line).toContain("noswap");
});

describe.each(["lazy", "eager"] as const)("memory %s", (memory) => {
  it("needles are nowhere in the clear", async ({ expect }) => {
    const far = mkdtempSync(join(tmpdir(), "thaw-needle-"));
    chmodSync(far, 0o755);
    onTestFinished(() => rmSync(far, { recursive: true }));
    const args = ["--memory", memory, "--snapshot-store", `file://${far}/store`];
    const first = await startThaw({ args });
    onTestFinished(() => first.remove());
    const functions = new TestFunctions(first);
    const name = await functions.createSnapStart(HAYSTACK);
    const version = await functions.publish(name);
    const ask = async (asked = functions): Promise<readonly string[]> => {
      const answer = await asked.invoke(name, {}, version);
      expect(answer.log).toContain("Restore Duration");
      return answer.payload as readonly string[];
    };
    let needles: readonly string[] = [];
    const searchAll = async (what: string, server = first): Promise<void> => {
      const dirs = [server.dataDir, far, runDirOf(server)];
      const { files, bytes, paths } = await search(dirs, needles);
      expect(paths, what).toEqual([]);
      // The haystack was searched: the snapshot, here and afar.
      expect(files, what).toBeGreaterThan(20);
      expect(bytes, what).toBeGreaterThan(8 << 20);
    };

    needles = await ask();
    expect(needles.map((needle) => needle.length)).toEqual(Array(4).fill(2 * NEEDLE_SIZE_BYTES));
    await searchAll("beside a clone");
    await functions.stopEnvironments(name);
    // The same bytes in another clone: they are in the snapshot.
    expect(await ask()).toEqual(needles);
    if (memory === "lazy") {
      await functions.eventually(
        "a layout by the working set",
        async () => (await generationOf(functions, name, version)) > 0,
      );
      await searchAll("after the layout by the working set");
      await functions.stopEnvironments(name);
      expect(await ask()).toEqual(needles);
    }
    await functions.stopEnvironments(name);
    await searchAll("after the clones");
    await first.stop();
    const cold = await startColdHost(first, { args });
    onTestFinished(() => cold.remove());
    expect(await ask(new TestFunctions(cold))).toEqual(needles);
    await searchAll("beside a clone that came from the far store", cold);
  });
});

it("the search finds a needle across the pieces of a file, and as digits", async ({ expect }) => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-needle-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const needle = "5a".repeat(NEEDLE_SIZE_BYTES - 1) + "a5";
  const at = PIECE_SIZE_BYTES - 7;
  writeFileSync(join(dir, "bytes"), Buffer.concat([Buffer.alloc(at), Buffer.from(needle, "hex"), Buffer.alloc(9)]));
  writeFileSync(join(dir, "digits"), `{"needle":"${needle}"}`);
  writeFileSync(join(dir, "other"), Buffer.alloc(1 << 20, 0x5a));
  expect((await search([dir], [needle])).paths.map((path) => path.slice(dir.length + 1)).toSorted()).toEqual([
    "bytes",
    "digits",
  ]);
});
