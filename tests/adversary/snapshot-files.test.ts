/**
 * Files of a snapshot that were changed, exchanged, or lost, and stores that give back something else: never wrong
 * memory, never a hang.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { SnapshotId } from "@thaw/server/testing/base";
import { CloneLost, type TestClone, TestSandboxd } from "../support/sandboxd.ts";
import { SELF_CHECKING } from "./program.ts";

let sandboxd: TestSandboxd;
let original: TestClone;
let snapshot: SnapshotId;
let other: SnapshotId;

beforeAll(async () => {
  // A small cache: nearly every page is read from its file.
  sandboxd = await TestSandboxd.start({ pagerMemoryMib: 1 });
  original = await sandboxd.create(SELF_CHECKING);
  snapshot = await sandboxd.snapshot(original);
  other = await sandboxd.snapshot(
    await sandboxd.create(SELF_CHECKING.replace("range(PAGES))", "range(7, PAGES + 7))")),
  );
  for (let n = 0; n < 2; n++) {
    for (const each of [snapshot, other]) {
      const clone = await sandboxd.restore(each, original.spec);
      await clone.invoke();
      await sandboxd.host.recordWorkingSet(clone.spec.environmentId, 5);
      await clone.destroy();
    }
  }
});

afterAll(() => sandboxd?.remove());

/** What came of a restore and an invoke. Anything but these is an error. */
type Outcome = "ok" | "damaged" | "died" | "died of damage" | "timeout";

async function attempt(): Promise<Outcome> {
  let clone: TestClone;
  try {
    clone = await sandboxd.restore(snapshot, original.spec);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "SANDBOX_SNAPSHOT_DAMAGED") return "damaged";
    if (code === "SANDBOX_RESTORE_TIMEOUT") return "timeout";
    // The supervisor itself lost its memory before it could be spoken to.
    if (code === "SANDBOX_RESTORE_FAILED" || code === "SUPERVISOR_LOST") return "died";
    throw error;
  }
  try {
    const answer = await clone.invoke();
    if (answer !== "ok") throw new Error(`wrong memory: ${JSON.stringify(answer)}`);
    return "ok";
  } catch (error) {
    if (!(error instanceof CloneLost)) throw error;
    return (await clone.exited).snapshotDamaged ? "died of damage" : "died";
  } finally {
    await clone.destroy();
  }
}

async function withChange(path: string, change: (file: Buffer) => Buffer, run: () => Promise<void>): Promise<void> {
  const before = readFileSync(path);
  writeFileSync(path, change(Buffer.from(before)));
  try {
    await run();
  } finally {
    writeFileSync(path, before);
  }
}

function flip(file: Buffer, part: number): Buffer {
  const at = Math.min(file.length - 1, Math.floor(file.length * part));
  file[at] = (file[at] ?? 0) ^ (1 << (at & 7));
  return file;
}

const chunkFiles = (): string[] =>
  readdirSync(sandboxd.chunksDir(), { recursive: true, encoding: "utf8" })
    .filter((name) => /\/[0-9a-f]{64}$/.test(name))
    .map((name) => join(sandboxd.chunksDir(), name))
    .sort();

const PARTS = [0, 0.0005, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1];

describe("a flipped bit", () => {
  it.each(PARTS)("of the manifest (%s of it): refused", async (part) => {
    await withChange(
      sandboxd.snapshotFile(snapshot, "manifest"),
      (file) => flip(file, part),
      async () => {
        const outcome = await attempt();
        if (outcome !== "damaged") throw new Error(outcome);
      },
    );
    if ((await attempt()) !== "ok") throw new Error("the whole one can't be restored");
  });

  it.each(PARTS)("of the working set (%s of it): it is left out", async (part) => {
    await withChange(
      sandboxd.snapshotFile(snapshot, "working-set"),
      (file) => flip(file, part),
      async () => {
        if ((await attempt()) !== "ok") throw new Error("not restored");
      },
    );
  });

  it("of each chunk in turn: refused, or the clone dies, or the page was not needed", { timeout: 300_000 }, async ({
    expect,
  }) => {
    const outcomes = new Set<Outcome>();
    const files = chunkFiles();
    for (const [index, path] of files.entries()) {
      if (index % Math.ceil(files.length / 12) !== 0) continue;
      await sandboxd.restart();
      await withChange(
        path,
        (file) => flip(file, PARTS[index % PARTS.length] ?? 0),
        async () => void outcomes.add(await attempt()),
      );
    }
    expect(outcomes.size).toBeGreaterThan(1);
    await sandboxd.restart();
    expect(await attempt()).toBe("ok");
  });
});

describe("exchanged files", () => {
  it("a manifest of another snapshot under the same key", async ({ expect }) => {
    const foreign = readFileSync(sandboxd.snapshotFile(other, "manifest"));
    await withChange(
      sandboxd.snapshotFile(snapshot, "manifest"),
      () => foreign,
      async () => expect(await attempt()).toBe("damaged"),
    );
    expect(await attempt()).toBe("ok");
  });

  it("a working set of another snapshot under the same key", async ({ expect }) => {
    const foreign = readFileSync(sandboxd.snapshotFile(other, "working-set"));
    await withChange(
      sandboxd.snapshotFile(snapshot, "working-set"),
      () => foreign,
      async () => expect(await attempt()).toBe("ok"),
    );
  });

  it("a manifest under another key", async ({ expect }) => {
    const spec = { ...original.spec, environmentId: "env-00000000000000aa" as typeof original.spec.environmentId };
    await expect(
      sandboxd.host.restore("criu", spec, { snapshotId: snapshot, fingerprint: "test", dataKey: Buffer.alloc(32, 1) }),
    ).rejects.toMatchObject({
      code: "SANDBOX_SNAPSHOT_DAMAGED",
    });
    expect(await attempt()).toBe("ok");
  });

  it("all chunks, each in another's place", async ({ expect }) => {
    await sandboxd.restart();
    const files = chunkFiles();
    const contents = files.map((path) => readFileSync(path));
    files.forEach((path, index) => writeFileSync(path, contents[(index + 1) % contents.length] ?? ""));
    try {
      expect(await attempt()).toBe("damaged");
    } finally {
      files.forEach((path, index) => writeFileSync(path, contents[index] ?? ""));
    }
    expect(await attempt()).toBe("ok");
  });
});

describe("a store of chunks", () => {
  const stores: Record<string, (near: string, far: string) => boolean> = {
    "that has nothing": () => false,
    "that says it has what it has not": () => true,
    "that gives half": (near, far) => put(near, readFileSync(far).subarray(0, 3000)),
    "that gives another object": (near) => put(near, Buffer.alloc(50_000, 7)),
    "that gives an empty object": (near) => put(near, Buffer.alloc(0)),
  };

  function put(path: string, content: Buffer): boolean {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return true;
  }

  /** Takes every second chunk away; `give` is asked for it. */
  async function withLost(
    give: (near: string, far: string) => boolean | Promise<boolean>,
    run: () => Promise<void>,
  ): Promise<void> {
    await sandboxd.restart();
    const kept = join(sandboxd.dir, "kept");
    mkdirSync(kept);
    const lost = chunkFiles().filter((_, index) => index % 2 === 0);
    const farOf = (path: string): string => join(kept, path.slice(-64));
    for (const path of lost) {
      copyFileSync(path, farOf(path));
      rmSync(path);
    }
    sandboxd.host.onChunkWanted(async (chunk) =>
      (await give(join(sandboxd.chunksDir(), chunk.slice(0, 2), chunk), join(kept, chunk))) ? "here" : "nowhere",
    );
    try {
      await run();
    } finally {
      for (const path of lost) put(path, readFileSync(farOf(path)));
      rmSync(kept, { recursive: true });
    }
    await sandboxd.restart();
    if ((await attempt()) !== "ok") throw new Error("the whole one can't be restored");
  }

  it.each(Object.keys(stores))("%s", async (name) => {
    const give = stores[name] ?? (() => false);
    await withLost(give, async () => {
      const outcome = await attempt();
      if (outcome === "ok") throw new Error("restored without its chunks");
    });
  });

  it("that gives all, late", async ({ expect }) => {
    const late = async (near: string, far: string): Promise<boolean> => {
      // sleeps: a store that answers late
      await new Promise((next) => setTimeout(next, 20));
      return put(near, readFileSync(far));
    };
    await withLost(late, async () => expect(await attempt()).toBe("ok"));
  });

  it("that never answers: the restore ends", async ({ expect }) => {
    await withLost(
      () => new Promise<boolean>(() => undefined),
      async () => expect(["timeout", "died", "damaged"]).toContain(await attempt()),
    );
  });
});
