// matrix: builds gVisor, for two and a half minutes of a processor where it is not built yet
/** What design 0038 builds on, seen with the runsc that is pinned: a newer one has to show it again. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, it } from "vitest";
import { listProcesses } from "../../tools/processes.ts";
import { installGvisor, noGvisor } from "../support/gvisor.ts";

interface Facts {
  /** In the program's memory. */
  readonly token: string;
  /** From the kernel. */
  readonly random: string;
  readonly bootId: string;
  readonly machineId: string;
  readonly host: string;
  /** Of its file in /tmp. */
  readonly inode: number;
  readonly kernel: string;
}

interface Seen {
  readonly original: Facts;
  readonly anotherUser: string;
  readonly sender: string;
  readonly counted: { readonly inet: number; readonly netdev: number };
  readonly sentryUsers: readonly number[];
  readonly isCallEnded: boolean;
  readonly files: readonly string[];
  readonly clones: ReadonlyArray<Facts & { readonly sender: string }>;
}

const NOBODY = 65_534;
const NAMESPACES = ["--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--net"];

describe.skipIf(noGvisor !== null)(`gVisor${noGvisor === null ? "" : ` (skipped: ${noGvisor})`}`, () => {
  let place: string;
  let seen: Seen;

  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), "thaw-gvisor-"));
    const runsc = await installGvisor();
    const program = join(import.meta.dirname, "gvisor/host.py");
    const { stdout } = await promisify(execFile)("unshare", [...NAMESPACES, "python3", program, runsc, place]);
    seen = JSON.parse(stdout) as Seen;
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  it("has a kernel of its own, in a program without rights", ({ expect }) => {
    expect(seen.original.kernel).toContain("gvisor");
    expect(seen.sentryUsers).toEqual([NOBODY]);
  });

  it("lets a program call outward, and by root's socket nobody else", ({ expect }) => {
    expect(seen.anotherUser).toBe("PermissionError");
  });

  it("ends that call at the checkpoint, and each clone makes one of its own", ({ expect }) => {
    expect(seen.isCallEnded).toBe(true);
    expect(seen.clones.map(({ host }) => host)).toEqual(["sandbox1", "sandbox2"]);
  });

  it("restores from files in memory, of three that a checkpoint makes", ({ expect }) => {
    expect(seen.files).toEqual(["checkpoint.img", "pages.img", "pages_meta.img"]);
    for (const { token, inode } of seen.clones)
      expect([token, inode]).toEqual([seen.original.token, seen.original.inode]);
  });

  it("gives each clone what is mounted for it, and random numbers of the host", ({ expect }) => {
    const all = [seen.original, ...seen.clones];
    expect(all.map(({ bootId, machineId }) => [bootId, machineId])).toEqual(all.map(({ host }) => [host, host]));
    expect(new Set(all.map(({ random }) => random)).size).toBe(all.length);
  });

  it("gives each clone the address of its own network namespace", ({ expect }) => {
    expect([seen.sender, ...seen.clones.map(({ sender }) => sender)]).toEqual(["10.99.0.2", "10.99.1.2", "10.99.2.2"]);
  });

  it("sends past the namespace's rules of inet, and not past those of netdev", ({ expect }) => {
    expect(seen.counted.inet).toBe(0);
    expect(seen.counted.netdev).toBeGreaterThan(0);
  });

  it("is gone with pid 1 of its namespace", ({ expect }) => {
    expect(listProcesses().filter(({ command }) => command.includes(place))).toEqual([]);
    expect(readdirSync(place)).toEqual([]);
  });
});
