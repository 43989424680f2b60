/**
 * The adversary before the whole server: files of a snapshot changed or exchanged, and a pager that dies, seen by a
 * client and the CLI.
 */
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { startThaw } from "../../tools/thaw-server.ts";
import { type Ran, runThaw } from "../support/cli.ts";
import { TestFunctions, type Invoked } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";
import { writePager } from "./pagers.ts";

const programOf = (answer: string): string =>
  `globalThis.held = Buffer.alloc(3e6, 7);\nexport const handler = async () => "${answer}";\n`;
let functions: TestFunctions;
withThaw(
  (made) => {
    functions = made;
  },
  { args: ["--pager-memory-mib", "1"] },
);

const thaw = (...args: string[]): Promise<Ran> => runThaw(args, functions.server.env);

interface Published {
  readonly name: string;
  readonly snapshotId: string;
  readonly file: (name: "manifest" | "working-set") => string;
}

async function publish(answer: string): Promise<Published> {
  const name = await functions.createSnapStart({ "index.mjs": programOf(answer) }, { FunctionName: answer });
  await functions.publish(name);
  return { name, ...(await snapshotOf(name)) };
}

async function snapshotOf(name: string): Promise<{ snapshotId: string; file: Published["file"] }> {
  const listed = JSON.parse((await thaw("snapshots", "ls", "--json")).stdout) as Array<{
    snapshotId: string;
    functionName: string;
  }>;
  const snapshotId = listed.find((each) => each.functionName === name)?.snapshotId ?? "";
  return { snapshotId, file: (file) => join(functions.server.dataDir, "snapshots", snapshotId, file) };
}

async function invokeCold(name: string): Promise<Invoked> {
  await functions.stopEnvironments(name);
  await functions.eventually("no environment", async () => (await functions.environments(name)).length === 0);
  return functions.invoke(name, {}, "1");
}

/** The answer after a refusal: the version is made anew. */
function untilCured(name: string): Promise<Invoked> {
  return functions.eventually("a new snapshot", async () =>
    functions
      .invoke(name, {}, "1")
      .catch((error: Error) => (error.name === "SnapStartNotReadyException" ? null : Promise.reject(error))),
  );
}

describe("thaw snapshots inspect and verify", () => {
  it("show what is inside, and that it is whole", async ({ expect }) => {
    const { name, snapshotId } = await publish("inspected");
    for (let cold = 0; cold < 3; cold++) expect((await invokeCold(name)).payload).toBe("inspected");
    const contents = JSON.parse((await thaw("snapshots", "inspect", `${name}:1`, "--json")).stdout) as {
      snapshotId: string;
      memoryBytes: number;
      storedBytes: number;
      spaces: Array<{
        pid: number;
        pages: number;
        zeroPages: number;
        lazyPages: number;
        eagerPages: number;
        regions: Array<{ pages: number }>;
      }>;
      images: Array<{ name: string }>;
      chunks: { count: number; shared: number; missing: number };
      workingSet: { recordings: number; pages: number } | null;
      keyArn: string | null;
    };
    expect(contents).toMatchObject({
      snapshotId,
      keyArn: null,
      workingSet: { recordings: expect.any(Number) },
      chunks: { missing: 0 },
    });
    expect(contents.workingSet?.pages).toBeGreaterThan(0);
    expect(contents.images.map((image) => image.name)).toContain("inventory.img");
    const pages = contents.spaces.reduce((sum, space) => sum + space.pages, 0);
    expect(pages * 4096).toBe(contents.memoryBytes);
    expect((pages - contents.spaces.reduce((sum, space) => sum + space.zeroPages, 0)) * 4096).toBe(
      contents.storedBytes,
    );
    for (const space of contents.spaces) {
      expect(space.lazyPages + space.eagerPages).toBe(space.pages);
      expect(space.regions.reduce((sum, region) => sum + region.pages, 0)).toBe(space.pages);
    }
    const second = await publish("inspected-too");
    const shown = (await thaw("snapshots", "inspect", second.snapshotId)).stdout;
    expect(shown).toMatch(/function\s+inspected-too:1/);
    expect(Number(/(\d+) shared with other snapshots/.exec(shown)?.[1])).toBeGreaterThan(0);
    const verified = await thaw("snapshots", "verify");
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/inspected:1 .*: whole/) });
    expect((await thaw("snapshots", "inspect", "inspected:$LATEST")).stderr).toContain(
      "only published versions have one",
    );
    expect((await thaw("snapshots", "verify", "none:1")).stderr).toContain("Function not found");
  });

  it("name what is damaged", async ({ expect }) => {
    const { name, file } = await publish("verified");
    const whole = readFileSync(file("manifest"));
    writeFileSync(file("manifest"), Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole.at(-1) ?? 0) ^ 1])]));
    const damaged = await thaw("snapshots", "verify", `${name}:1`);
    expect(damaged).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("manifest: it was changed"),
      stderr: expect.stringContaining("1 of 1 snapshots is damaged"),
    });
    expect((await thaw("snapshots", "inspect", `${name}:1`)).stderr).toContain("can't be read: it was changed");
    writeFileSync(file("manifest"), whole);
    const chunks = join(functions.server.dataDir, "chunks");
    const listed = readdirSync(chunks, { recursive: true, encoding: "utf8" }).filter((each) => each.length > 64);
    const names = new Set(listed.map((each) => each.slice(-64)));
    const own = JSON.parse((await thaw("snapshots", "verify", `${name}:1`, "--json")).stdout) as [
      { chunks: number; isWhole: boolean },
    ];
    expect(own[0]).toMatchObject({ isWhole: true });
    expect(own[0].chunks).toBeLessThanOrEqual(names.size);
    const saved = listed.map((each) => [join(chunks, each), readFileSync(join(chunks, each))] as const);
    for (const [path, content] of saved) writeFileSync(path, content.subarray(1));
    const all = await thaw("snapshots", "verify", `${name}:1`);
    expect(all.stdout).toMatch(/chunk [0-9a-f]{64}: a chunk was changed/);
    for (const [path, content] of saved) writeFileSync(path, content);
    expect((await thaw("snapshots", "verify", `${name}:1`)).code).toBe(0);
    expect((await invokeCold(name)).payload).toBe("verified");
  });
});

describe("files of a snapshot", () => {
  it("a manifest of another function in its place: refused, and made anew", async ({ expect }) => {
    const [one, two] = [await publish("one"), await publish("two")];
    copyFileSync(two.file("manifest"), one.file("manifest"));
    await expect(invokeCold(one.name)).rejects.toMatchObject({
      name: "ServiceException",
      message: expect.stringContaining("damaged"),
    });
    expect((await untilCured(one.name)).payload).toBe("one");
    expect((await invokeCold(two.name)).payload).toBe("two");
  });

  it("a changed working set: left out", async ({ expect }) => {
    const { name, file } = await publish("three");
    for (let cold = 0; cold < 2; cold++) expect((await invokeCold(name)).payload).toBe("three");
    const set = readFileSync(file("working-set"));
    for (const at of [0, 12, 40, set.length - 1]) {
      const changed = Buffer.from(set);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(file("working-set"), changed);
      expect((await invokeCold(name)).payload).toBe("three");
    }
  });

  it("a changed manifest, at many places: refused, and made anew", async ({ expect }) => {
    const { name } = await publish("four");
    for (const part of [0, 0.02, 0.3, 0.6, 1]) {
      const { file } = await snapshotOf(name);
      const changed = readFileSync(file("manifest"));
      const at = Math.min(changed.length - 1, Math.floor(changed.length * part));
      changed[at] = (changed[at] ?? 0) ^ 4;
      writeFileSync(file("manifest"), changed);
      await expect(invokeCold(name)).rejects.toMatchObject({
        name: "ServiceException",
        message: expect.stringContaining("damaged"),
      });
      expect((await untilCured(name)).payload).toBe("four");
    }
  });
});

describe("the pager", () => {
  it("is killed: the idle clone goes, the next invoke is cold and right", async ({ expect }) => {
    const { name } = await publish("five");
    expect((await invokeCold(name)).payload).toBe("five");
    const before = (await functions.environments(name)).map((each) => each.logStream);
    const pager = childrenOf(functions.server.pid).find(
      ({ command }) => command.includes("--memory-mib") && !command.includes("serve"),
    );
    process.kill(pager?.pid ?? 0, "SIGKILL");
    // Others are parked in their place.
    await functions.eventually("its clones are gone", async () =>
      (await functions.environments(name)).every((each) => !before.includes(each.logStream)),
    );
    const next = await functions.invoke(name, {}, "1");
    expect(next.payload).toBe("five");
    expect(next.log).toContain("Restore Duration");
  });

  it("dies with every clone that it is given: that is not the snapshot's fault", async ({ expect }) => {
    const dir = mkdtempSync(join(tmpdir(), "thaw-pager-"));
    chmodSync(dir, 0o755);
    const bad = await startThaw({ env: { THAW_PAGER: writePager(dir, "mortal", "/bin/false") } });
    try {
      const there = new TestFunctions(bad);
      const name = await there.createSnapStart({ "index.mjs": programOf("seven") });
      const version = await there.publish(name);
      const stateOf = () =>
        there.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }));
      const published = await stateOf();
      for (let i = 0; i < 3; i++)
        await expect(there.invoke(name, {}, version)).rejects.toMatchObject({ name: "ServiceException" });
      expect(await stateOf()).toMatchObject({ State: "Active", RevisionId: published.RevisionId });
    } finally {
      await bad.remove();
      rmSync(dir, { recursive: true });
    }
  });

  it.for(["dead", "deaf", "babbling", "refusing"] as const)(
    "is another program (%s): an error within the limit, and the server goes on",
    async (kind, { expect }) => {
      const dir = mkdtempSync(join(tmpdir(), "thaw-pager-"));
      chmodSync(dir, 0o755);
      const bad = await startThaw({ env: { THAW_PAGER: writePager(dir, kind, "/bin/false") } });
      try {
        const there = new TestFunctions(bad);
        const name = await there.createSnapStart({ "index.mjs": programOf("six") });
        const version = await there.publish(name);
        await expect(there.invoke(name, {}, version)).rejects.toThrow(/.+/);
        expect((await there.invoke(name)).payload).toBe("six");
      } finally {
        await bad.remove();
        rmSync(dir, { recursive: true });
      }
    },
  );
});
