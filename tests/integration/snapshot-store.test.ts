// long: some minutes of servers with a far store
/**
 * Snapshots in S3: published there, restored by a host that has nothing, through a store that is slow, wrong or away.
 */
import { DeleteFunctionCommand, GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { chmodSync, mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { type StoreCounts, startColdHost } from "../support/hosts.ts";
import { isOfChunks, noS3, S3Server } from "../support/s3-server.ts";

/** 24 MB that an invoke does not touch, and a little that it does. */
const LARGE = {
  "index.mjs": `import { randomBytes } from "node:crypto";
const heap = Array.from({ length: 24 }, () => randomBytes(1 << 20));
export const handler = async (event) => (event.at === undefined ? "ready" : heap[event.at][0] >= 0);
`,
};
const QUICK = { "index.mjs": "export const handler = async () => 'quick';\n" };

interface Verification {
  readonly isWhole: boolean;
  readonly chunks: number;
  readonly chunksFromAfar: number;
  readonly bytes: number;
  readonly problems: readonly string[];
}

let s3: S3Server;
let count = 0;
const servers: ThawServer[] = [];

async function counts(server: ThawServer): Promise<StoreCounts> {
  return ((await (await new TestFunctions(server).admin("GET", "host")).json()) as { snapshotStore: StoreCounts })
    .snapshotStore;
}

it("a directory as the store: restored by a host that has nothing", async ({ expect }) => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-store-"));
  chmodSync(dir, 0o755);
  const args = ["--snapshot-store", `file://${dir}/snapshots`];
  const first = await startThaw({ args });
  try {
    const functions = new TestFunctions(first);
    const name = await functions.createSnapStart(QUICK);
    const version = await functions.publish(name);
    await first.stop();
    const cold = await startColdHost(first, { args });
    servers.push(cold);
    const answer = await new TestFunctions(cold).invoke(name, {}, version);
    expect(answer.payload).toBe("quick");
    expect(answer.log).toContain("Restore Duration");
    expect(await counts(cold)).toMatchObject({ snapshotsFetched: 1, fallbacks: 0 });
  } finally {
    for (const server of [...servers.splice(0), first]) await server.remove();
    rmSync(dir, { recursive: true });
  }
});

it("verify reads what the host lacks from the store, and tells what is damaged where", async ({ expect }) => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-store-"));
  chmodSync(dir, 0o755);
  const server = await startThaw({ args: ["--snapshot-store", `file://${dir}/snapshots`] });
  try {
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(QUICK);
    const version = await functions.publish(name);
    const verify = async (query = ""): Promise<Verification> =>
      (await (await functions.admin("GET", `snapshots/${name}:${version}/verify${query}`)).json()) as Verification;
    const whole = await verify();
    expect(whole).toMatchObject({ isWhole: true, chunksFromAfar: 0, problems: [] });
    const chunks = readdirSync(join(server.dataDir, "chunks"), { recursive: true, encoding: "utf8" }).filter(
      (file) => file.length > 64,
    );
    const [lost = "", damaged = ""] = chunks;
    rmSync(join(server.dataDir, "chunks", lost));
    truncateSync(join(server.dataDir, "chunks", damaged), 1000);
    const cured = await verify();
    expect(cured).toMatchObject({ isWhole: true, chunks: whole.chunks, bytes: whole.bytes, chunksFromAfar: 2 });
    expect(cured.problems).toEqual([expect.stringContaining("the snapshot store has it whole")]);
    // It looked, and brought nothing.
    expect(await verify("?local=true")).toMatchObject({
      isWhole: false,
      chunksFromAfar: 0,
      problems: [expect.anything(), expect.anything()],
    });
    truncateSync(join(dir, "snapshots/chunks", lost), 1000);
    expect(await verify()).toMatchObject({ isWhole: false, chunksFromAfar: 1 });
  } finally {
    await server.remove();
    rmSync(dir, { recursive: true });
  }
});

/** Of the last restore, out of the server's log. */
function workingSetOf(server: ThawServer): { readonly pages: number } | null {
  const line = server
    .output()
    .split("\n")
    .findLast((each) => each.includes('"event":"restore"'));
  return line === undefined ? null : (JSON.parse(line) as { memory: { pages: number } | null }).memory;
}

describe.skipIf(noS3 !== null)(`S3${noS3 === null ? "" : ` (${noS3})`}`, () => {
  beforeAll(async () => {
    s3 = await S3Server.start();
  });
  afterEach(async () => {
    s3.fateOf = () => "pass";
    s3.delayMs = 0;
    for (const server of servers.splice(0).reverse()) await server.remove();
  });
  afterAll(() => s3?.stop());

  const start = async (
    prefix: string,
    more: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<ThawServer> => {
    const { args, env } = s3.settings(prefix);
    const server = await startThaw({ args: [...args, ...(more.args ?? [])], env: { ...env, ...more.env } });
    servers.push(server);
    return server;
  };
  const startCold = async (from: ThawServer, prefix: string): Promise<ThawServer> => {
    const server = await startColdHost(from, s3.settings(prefix));
    servers.push(server);
    return server;
  };
  const newPrefix = (): string => `test-${++count}`;

  /** A published version whose server has stopped. */
  const publishAndStop = async (
    prefix: string,
    files = QUICK,
  ): Promise<{ readonly server: ThawServer; readonly name: string; readonly version: string }> => {
    const server = await start(prefix);
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(files);
    const version = await functions.publish(name);
    await server.stop();
    return { server, name, version };
  };

  it("is restored by a host that has nothing, which fetches little more than what is touched", async ({ expect }) => {
    const prefix = newPrefix();
    const first = await start(prefix);
    const functions = new TestFunctions(first);
    const name = await functions.createSnapStart(LARGE, { MemorySize: 512 });
    const version = await functions.publish(name);
    const uploaded = await counts(first);
    expect((await s3.keys(prefix)).filter((key) => key.startsWith("chunks/"))).toHaveLength(uploaded.chunksUploaded);
    expect((await s3.keys(prefix)).filter((key) => /^(drafts|collecting)\//.test(key))).toEqual([]);
    // Two recordings: then the chunks are laid out by the working set, and that goes to S3, too.
    for (let cold = 0; cold < 2; cold++) {
      expect((await functions.invoke(name, {}, version)).payload).toBe("ready");
      await functions.stopEnvironments(name);
    }
    await functions.eventually(
      "the new layout in S3",
      async () => (await counts(first)).chunksUploaded > uploaded.chunksUploaded,
    );
    await functions.eventually("the draft has gone", async () =>
      (await s3.keys(prefix)).every((key) => !key.startsWith("drafts/")),
    );
    await first.stop();
    const second = await startCold(first, prefix);
    s3.delayMs = 10;
    s3.chunkBytes = 0;
    const cold = new TestFunctions(second);
    const answer = await cold.invoke(name, {}, version);
    expect(answer.payload).toBe("ready");
    expect(answer.log).toContain("Restore Duration");
    const fetched = await counts(second);
    expect(fetched).toMatchObject({ snapshotsFetched: 1, chunksFailed: 0, fallbacks: 0 });
    const { pages } = await cold.eventually(
      "the report of the restore",
      async () => (await counts(second)) && workingSetOf(second),
    );
    expect(fetched.chunkBytesFetched).toBeGreaterThan(0);
    expect(s3.chunkBytes).toBeGreaterThanOrEqual(fetched.chunkBytesFetched);
    expect(s3.chunkBytes).toBeLessThan(pages * 4096 * 1.3);
    // What was not fetched yet comes when it is touched.
    expect((await cold.invoke(name, { at: 5 }, version)).payload).toBe(true);
    expect((await counts(second)).chunkBytesFetched).toBeGreaterThan(fetched.chunkBytesFetched);
  });

  it.for(["half", "wrong", "none"] as const)(
    "a store that gives %s of a chunk is asked again, then the version is initialised anew",
    async (fate, { expect }) => {
      const prefix = newPrefix();
      const { server, name, version } = await publishAndStop(prefix);
      const cold = await startCold(server, prefix);
      const functions = new TestFunctions(cold);
      const asked = new Map<string, number>();
      s3.fateOf = (method, path) => {
        if (method !== "GET" || !isOfChunks(path)) return "pass";
        asked.set(path, (asked.get(path) ?? 0) + 1);
        return fate;
      };
      await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({
        name: "ServiceException",
        message: expect.stringContaining("damaged"),
      });
      expect(Math.max(...asked.values())).toBeGreaterThan(2);
      expect((await counts(cold)).fallbacks).toBe(1);
      expect(cold.output()).toContain("the snapshot is made anew");
      s3.fateOf = () => "pass";
      const cured = await functions.eventually("a new snapshot", async () =>
        functions
          .invoke(name, {}, version)
          .catch((error: Error) => (error.name === "SnapStartNotReadyException" ? null : Promise.reject(error))),
      );
      expect(cured.payload).toBe("quick");
    },
  );

  it("a store that is wrong once is asked again, and nobody notices", async ({ expect }) => {
    const prefix = newPrefix();
    const { server, name, version } = await publishAndStop(prefix);
    const cold = await startCold(server, prefix);
    const seen = new Set<string>();
    s3.fateOf = (method, path) => {
      if (method !== "GET" || seen.has(path)) return "pass";
      seen.add(path);
      return (["half", "wrong", "none", "fail"] as const)[seen.size % 4] ?? "pass";
    };
    const answer = await new TestFunctions(cold).invoke(name, {}, version);
    expect(answer.payload).toBe("quick");
    expect(answer.log).toContain("Restore Duration");
    expect(await counts(cold)).toMatchObject({ fallbacks: 0, chunksFailed: 0 });
  });

  it.for(["late", "fail"] as const)(
    "a store that is away (%s) is a timeout, and no reason for a new snapshot",
    async (fate, { expect }) => {
      const prefix = newPrefix();
      const { server, name, version } = await publishAndStop(prefix);
      const cold = await startCold(server, prefix);
      const functions = new TestFunctions(cold);
      s3.fateOf = (method, path) => (method === "GET" && isOfChunks(path) ? fate : "pass");
      await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({ name: "SnapStartTimeoutException" });
      s3.fateOf = (method, path) => (method === "GET" && path.includes("/manifest") ? fate : "pass");
      expect((await counts(cold)).fallbacks).toBe(0);
      s3.fateOf = () => "pass";
      expect((await functions.invoke(name, {}, version)).payload).toBe("quick");
    },
  );

  it("a host starts while the store is away, and loses no snapshot over it", async ({ expect }) => {
    const prefix = newPrefix();
    const { server, name, version } = await publishAndStop(prefix);
    s3.fateOf = () => "fail";
    const cold = await startCold(server, prefix);
    const functions = new TestFunctions(cold);
    await expect(functions.invoke(name, {}, version)).rejects.toMatchObject({ name: "SnapStartTimeoutException" });
    s3.fateOf = () => "pass";
    const answer = await functions.invoke(name, {}, version);
    expect(answer).toMatchObject({ payload: "quick" });
    expect(answer.log).toContain("Restore Duration");
  });

  it("what is damaged or lost here comes from there", async ({ expect }) => {
    const prefix = newPrefix();
    const { server, name, version } = await publishAndStop(prefix);
    const chunks = join(server.dataDir, "chunks");
    for (const [index, file] of readdirSync(chunks, { recursive: true, encoding: "utf8" }).entries()) {
      if (file.length < 64) continue;
      if (index % 2 === 0) rmSync(join(chunks, file));
      else truncateSync(join(chunks, file), 1000);
    }
    const id = readdirSync(join(server.dataDir, "snapshots")).find((each) => each.startsWith("snap-")) ?? "";
    truncateSync(join(server.dataDir, "snapshots", id, "manifest"), 300);
    const again = await startThaw({ previous: server, ...s3.settings(prefix) });
    servers.push(again);
    const answer = await new TestFunctions(again).invoke(name, {}, version);
    expect(answer.payload).toBe("quick");
    expect(answer.log).toContain("Restore Duration");
    expect((await counts(again)).fallbacks).toBe(0);
  });

  it("a deleted version leaves nothing, neither here nor there; another one keeps what they share", async ({
    expect,
  }) => {
    const prefix = newPrefix();
    const server = await start(prefix);
    const functions = new TestFunctions(server);
    const [gone, kept] = [await functions.createSnapStart(QUICK), await functions.createSnapStart(QUICK)];
    await functions.publish(gone);
    const version = await functions.publish(kept);
    expect((await s3.keys(prefix)).filter((key) => key.endsWith("/manifest"))).toHaveLength(2);
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: gone }));
    await functions.eventually(
      "one manifest",
      async () => (await s3.keys(prefix)).filter((key) => key.endsWith("/manifest")).length === 1,
    );
    await functions.eventually("collected", async () => (await counts(server)).chunksCollected > 0);
    await server.stop();
    rmSync(join(server.dataDir, "chunks"), { recursive: true });
    const again = await startThaw({ previous: server, ...s3.settings(prefix) });
    servers.push(again);
    const next = new TestFunctions(again);
    expect((await next.invoke(kept, {}, version)).payload).toBe("quick");
    await next.lambda.send(new DeleteFunctionCommand({ FunctionName: kept }));
    await next.eventually("an empty store", async () =>
      (await s3.keys(prefix)).every((key) => key === "installation" || key === "orphans"),
    );
  });

  it("evicts what is there, too, and fetches it again", async ({ expect }) => {
    const prefix = newPrefix();
    const { server, name, version } = await publishAndStop(prefix, LARGE);
    const { args, env } = s3.settings(prefix);
    const small = await startThaw({ previous: server, args: [...args, "--chunk-cache-mib", "1"], env });
    servers.push(small);
    const functions = new TestFunctions(small);
    await functions.eventually("evicted", async () => (await counts(small)).chunksEvicted > 0);
    const answer = await functions.invoke(name, { at: 3 }, version);
    expect(answer.payload).toBe(true);
    expect(answer.log).toContain("Restore Duration");
    expect((await counts(small)).chunksFetched).toBeGreaterThan(0);
  });

  it("refuses the store of another installation, a bucket that is not there, and wrong credentials", async ({
    expect,
  }) => {
    const prefix = newPrefix();
    await start(prefix);
    await expect(start(prefix)).rejects.toThrow("belongs to another installation");
    await expect(start("other", { args: ["--snapshot-store", "s3://nowhere/x"] })).rejects.toThrow(
      "The snapshot store refuses the server",
    );
    await expect(start("other", { env: { THAW_S3_SECRET_ACCESS_KEY: "wrong" } })).rejects.toThrow(
      "The snapshot store refuses the server",
    );
  });

  it("takes over the snapshots of a server that had no store", async ({ expect }) => {
    const prefix = newPrefix();
    const server = await startThaw();
    servers.push(server);
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(QUICK);
    const version = await functions.publish(name);
    await server.stop();
    const again = await startThaw({ previous: server, ...s3.settings(prefix) });
    servers.push(again);
    await new TestFunctions(again).eventually("uploaded", async () =>
      (await s3.keys(prefix)).some((key) => key.endsWith("/manifest")),
    );
    await again.stop();
    const cold = await startCold(again, prefix);
    const answer = await new TestFunctions(cold).invoke(name, {}, version);
    expect(answer.log).toContain("Restore Duration");
  });

  it("a publish fails clearly while the store refuses, and works afterwards", async ({ expect }) => {
    const server = await start(newPrefix());
    const functions = new TestFunctions(server);
    const name = await functions.createSnapStart(QUICK);
    s3.fateOf = (method) => (method === "PUT" ? "none" : "pass");
    await expect(functions.publish(name)).rejects.toThrow();
    const failed = await functions.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: "1" }),
    );
    expect(failed).toMatchObject({
      State: "Failed",
      StateReasonCode: "InternalError",
      StateReason: expect.stringContaining("snapshot store"),
    });
    expect(readdirSync(join(server.dataDir, "snapshots"))).toEqual([]);
    s3.fateOf = () => "pass";
    const version = await functions.publish(name);
    expect((await functions.invoke(name, {}, version)).payload).toBe("quick");
  });
});
