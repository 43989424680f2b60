/** What every far store does the same: a directory, and a bucket of a real S3-compatible server. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { SnapshotStore } from "@thaw/server/testing/ports";
import { createDirectoryStore } from "@thaw/server/testing/directory-store";
import { createS3Store } from "@thaw/server/testing/s3-store";
import { noS3, S3Server } from "../support/s3-server.ts";

const SIGNAL = new AbortController().signal;

describe.each(["directory", "S3"] as const)("%s", (kind) => {
  const isSkipped = kind === "S3" && noS3 !== null;
  let dir: string;
  let s3: S3Server | null = null;
  let store: SnapshotStore;

  beforeAll(async () => {
    if (isSkipped) return;
    dir = mkdtempSync(join(tmpdir(), "thaw-store-"));
    s3 = kind === "S3" ? await S3Server.start() : null;
    store = s3 === null ? createDirectoryStore(dir) : createS3Store(s3.storeOptions("contract"));
  });
  afterAll(async () => {
    if (isSkipped) return;
    store.close();
    await s3?.stop();
    rmSync(dir, { recursive: true });
  });

  it.skipIf(isSkipped)("gives back what was put, whole or its first bytes", async ({ expect }) => {
    const content = Buffer.from("0123456789");
    await store.put("a/b/one", content, SIGNAL);
    expect(await store.get("a/b/one", 100, SIGNAL)).toEqual(content);
    expect(await store.get("a/b/one", 4, SIGNAL)).toEqual(content.subarray(0, 4));
    await store.put("a/b/one", Buffer.from("new"), SIGNAL);
    expect(await store.get("a/b/one", 100, SIGNAL)).toEqual(Buffer.from("new"));
    await store.put("empty", Buffer.alloc(0), SIGNAL);
    expect(await store.get("empty", 100, SIGNAL)).toEqual(Buffer.alloc(0));
    const large = Buffer.alloc(3 << 20, "large");
    await store.put("large", large, SIGNAL);
    expect((await store.get("large", 8 << 20, SIGNAL))?.equals(large)).toBe(true);
  });

  it.skipIf(isSkipped)("has none of what is not there, and removes it all the same", async ({ expect }) => {
    expect(await store.get("none/such", 100, SIGNAL)).toBeNull();
    expect(await store.has("none/such", SIGNAL)).toBe(false);
    await store.remove("none/such", SIGNAL);
    await store.put("gone", Buffer.from("x"), SIGNAL);
    expect(await store.has("gone", SIGNAL)).toBe(true);
    await store.remove("gone", SIGNAL);
    expect(await store.get("gone", 100, SIGNAL)).toBeNull();
    expect(await store.list("none/", SIGNAL)).toEqual([]);
  });

  it.skipIf(isSkipped)("putNew writes once, though many try at the same time", async ({ expect }) => {
    const tries = await Promise.all(
      Array.from({ length: 5 }, (_, index) => store.putNew("once", Buffer.from(`by ${index}`), SIGNAL)),
    );
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect(await store.get("once", 100, SIGNAL)).toEqual(Buffer.from(`by ${tries.indexOf(true)}`));
    expect(await store.putNew("once", Buffer.from("later"), SIGNAL)).toBe(false);
  });

  it.skipIf(isSkipped)(
    "lists by prefix, more than a page of them, with a tag that follows the content",
    { timeout: 60_000 },
    async ({ expect }) => {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index % 16)}/${index}`);
      for (let from = 0; from < keys.length; from += 50)
        await Promise.all(keys.slice(from, from + 50).map((key) => store.put(key, Buffer.from("x"), SIGNAL)));
      const listed = await store.list("many/", SIGNAL);
      expect(listed.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
      expect((await store.list("many/1/", SIGNAL)).every(({ key }) => key.startsWith("many/1/"))).toBe(true);
      const [before] = await store.list("many/0/0", SIGNAL);
      expect(before?.sizeBytes).toBe(1);
      expect(Math.abs((before?.modifiedMs ?? 0) - Date.now())).toBeLessThan(120_000);
      await store.put("many/0/0", Buffer.from("yz"), SIGNAL);
      const [after] = await store.list("many/0/0", SIGNAL);
      expect(after?.tag).not.toBe(before?.tag);
    },
  );
});

describe("a directory", () => {
  it("shows nothing half-written, and says what it can't do", async ({ expect }) => {
    const dir = mkdtempSync(join(tmpdir(), "thaw-store-"));
    try {
      mkdirSync(join(dir, "a"));
      writeFileSync(join(dir, "a/x.1234.partial"), "half");
      const store = createDirectoryStore(dir);
      expect(await store.list("a/", SIGNAL)).toEqual([]);
      await store.put("a/x", Buffer.from("whole"), SIGNAL);
      expect(readdirSync(join(dir, "a"))).toEqual(["x", "x.1234.partial"]);
      writeFileSync(join(dir, "file"), "");
      await expect(store.put("file/below", Buffer.from("x"), SIGNAL)).rejects.toMatchObject({ code: "STORE_REFUSED" });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe.skipIf(noS3 !== null)("S3 that misbehaves", () => {
  it("tells a refusal from an outage, and ends with the signal", async ({ expect }) => {
    const s3 = await S3Server.start();
    const store = createS3Store(s3.storeOptions("bad"));
    try {
      await store.put("x", Buffer.alloc(1000, 1), SIGNAL);
      s3.fateOf = () => "fail";
      await expect(store.get("x", 2000, SIGNAL)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", transient: true });
      s3.fateOf = () => "late";
      await expect(store.get("x", 2000, AbortSignal.timeout(100))).rejects.toThrow();
      s3.fateOf = () => "pass";
      const stranger = createS3Store({
        ...s3.storeOptions("bad"),
        credentials: { accessKeyId: "test", secretAccessKey: "no" },
      });
      await expect(stranger.get("x", 2000, SIGNAL)).rejects.toMatchObject({ code: "STORE_REFUSED", transient: false });
      const nowhere = createS3Store({ ...s3.storeOptions("bad"), bucket: "nowhere" });
      await expect(nowhere.put("x", Buffer.from("x"), SIGNAL)).rejects.toMatchObject({ code: "STORE_REFUSED" });
      stranger.close();
      nowhere.close();
    } finally {
      store.close();
      await s3.stop();
    }
  });
});
