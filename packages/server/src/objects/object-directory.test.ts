/** The store of objects on a real disk: what a crash leaves, who may read what is removed, lists, earlier releases. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { newBucket, NO_FACTS, type ObjectVersion } from "../model/object-record.ts";
import { type ObjectDirectory, openObjectDirectory } from "./object-directory.ts";

fc.configureGlobal({ seed: 1 });

/** What is waited for comes at once; a loaded machine may take its time. */
const SOON = { timeout: 15_000, interval: 20 };
const SCOPE = { accountId: "000000000000", region: "us-east-1" };

let dir: string;
let objects: ObjectDirectory;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "thaw-object-directory-"));
  objects = open();
  await objects.createBucket(newBucket("b", SCOPE, 0));
});

afterEach(async () => {
  await objects.close();
  rmSync(dir, { recursive: true });
});

function open(): ObjectDirectory {
  return openObjectDirectory({
    dataDir: dir,
    scope: SCOPE,
    bytesMax: 2 ** 20,
    clock: systemClock,
    random: systemRandom,
    onProblem: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
}

async function reopen(): Promise<void> {
  await objects.close();
  objects = open();
}

async function* bytes(content: string): AsyncGenerator<Buffer> {
  yield Buffer.from(content);
}

const receive = (content: string) => objects.receive(bytes(content), { algorithms: [], sizeBytesMax: 2 ** 20 });

async function put(key: string, content = key): Promise<ObjectVersion> {
  return objects.put({ bucket: "b", key, facts: NO_FACTS, checksum: null, conditions: {} }, await receive(content));
}

const files = (): string[] =>
  readdirSync(join(dir, "objects/content"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

async function read(key: string): Promise<string | null> {
  const found = await objects.find({ bucket: "b", key });
  const content = found === null ? null : await objects.read(found);
  return content === null ? null : text(content);
}

it("what was put is there after a restart, and what was only received is swept", async () => {
  await put("kept");
  await receive("never put");
  const upload = { id: "u", bucket: "b", key: "k", startedMs: 0, facts: NO_FACTS, checksum: null };
  await objects.createUpload(upload);
  await objects.putPart(upload, 1, await receive("a part"));
  expect(files()).toHaveLength(3);
  await reopen();
  await expect.poll(files, SOON).toHaveLength(2);
  expect(await read("kept")).toBe("kept");
  const etag = createHash("md5").update("a part").digest("hex");
  await objects.completeUpload(upload, [{ number: 1, etag }], { etag: "x-1", checksum: null }, {});
  expect(await read("k")).toBe("a part");
  expect(files()).toHaveLength(2);
});

it("content whose sender fails leaves nothing, and its room is free again", async () => {
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(900_000);
    throw new Error("gone");
  }
  for (let count = 0; count < 3; count++)
    await expect(objects.receive(failing(), { algorithms: [], sizeBytesMax: 2 ** 20 })).rejects.toThrow("gone");
  expect(files()).toEqual([]);
  await put("large", "x".repeat(900_000));
  await expect(put("more", "x".repeat(900_000))).rejects.toMatchObject({ code: "QuotaExceeded" });
  await objects.remove({ bucket: "b", key: "large" });
  await put("more", "x".repeat(900_000));
});

it("empty objects have a limit, too", async () => {
  const storeAll = async (): Promise<void> => {
    for (let count = 0; ; count++) await put(`empty ${count}`, "x");
  };
  await expect(storeAll()).rejects.toMatchObject({ code: "QuotaExceeded" });
});

it("a reader gets all of what it began to read, though the object is replaced and removed", async () => {
  const version = await put("k", "before");
  const reader = await objects.read(version);
  await put("k", "after");
  await objects.remove({ bucket: "b", key: "k" });
  expect(files()).toHaveLength(1);
  expect(reader === null ? null : await text(reader)).toBe("before");
  await expect.poll(files, SOON).toEqual([]);
  expect(await objects.read(version)).toBeNull();
});

it("conditions are asked in the moment of the write", async () => {
  const [one, two] = [await receive("one"), await receive("two")];
  const write = { bucket: "b", key: "k", facts: NO_FACTS, checksum: null, conditions: { ifNoneMatch: "*" } };
  await objects.put(write, one);
  await expect(objects.put(write, two)).rejects.toMatchObject({ code: "PreconditionFailed" });
  expect(files()).toHaveLength(1);
  expect(await read("k")).toBe("one");
});

it("objects of earlier releases are taken in when they are asked for, and stay removed", async () => {
  const path = join(dir, "objects/old", createHash("sha256").update("some/key").digest("hex"));
  mkdirSync(join(dir, "objects/old"));
  writeFileSync(path, "content of before");
  await reopen();
  const found = await objects.find({ bucket: "old", key: "some/key" });
  const content = found === null ? null : await objects.read(found);
  expect(content === null ? null : await text(content)).toBe("content of before");
  expect((await objects.list({ bucket: "old", prefix: "", delimiter: "", after: "", max: 9 })).items).toHaveLength(1);
  await objects.remove({ bucket: "old", key: "some/key" });
  expect(await objects.find({ bucket: "old", key: "some/key" })).toBeNull();
});

it("pages of a list are those of a plain sort", async () => {
  const alphabet = fc.constantFrom("a", "b", "/", "ü", "\u{ff5e}", "\u{1f600}");
  const key = fc.string({ unit: alphabet, minLength: 1, maxLength: 5 });
  const stored = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 4 }),
      fc.string({ unit: alphabet, maxLength: 2 }),
      fc.constantFrom("", "/", "b"),
      fc.integer({ min: 1, max: 4 }),
      async (keys, prefix, delimiter, max) => {
        for (const each of keys.filter((one) => !stored.has(one))) {
          await put(each, "");
          stored.add(each);
        }
        const found: string[] = [];
        let after: string | null = "";
        while (after !== null) {
          const page: Awaited<ReturnType<ObjectDirectory["list"]>> = await objects.list({
            bucket: "b",
            prefix,
            delimiter,
            after,
            max,
          });
          found.push(...[...page.items.map((item) => item.key), ...page.commonPrefixes].toSorted(byBytes));
          after = page.next;
        }
        expect(found).toEqual(expected([...stored], prefix, delimiter));
      },
    ),
    { numRuns: 40 },
  );
});

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function expected(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const shown = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      return at === -1 ? key : key.slice(0, at + delimiter.length);
    });
  return [...new Set(shown)].toSorted(byBytes);
}
