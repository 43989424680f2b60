import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchRoom } from "../base/disk-room.ts";
import type { FoundImage } from "../ports/image-source.ts";
import { blobOf, buildImage, type Compression, type Layer, type LayerEntry, tarOf } from "../testing/image-files.ts";
import { openCodeDirectory } from "./code-directory.ts";
import { unpackLayer } from "./image-layers.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-roots-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function found(layers: readonly Layer[], compression: Compression = "gzip"): FoundImage {
  const built = buildImage({ layers, compression });
  const [, , ...blobs] = built.blobs;
  const diffIds = layers.map((layer) => blobOf(Buffer.isBuffer(layer) ? layer : tarOf(layer)).digest.slice(7));
  const contents = new Map(blobs.map(({ digest, content }) => [digest.slice(7), content]));
  return {
    uri: "oci:test",
    resolvedUri: "oci:test@sha256:",
    digest: built.manifest.digest.slice(7),
    start: { entryPoint: null, command: null, workingDirectory: null },
    environment: {},
    allowsSnapStart: false,
    layers: blobs.map(({ digest, size }, at) => ({
      digest: digest.slice(7),
      sizeBytes: size,
      compression,
      diffId: diffIds[at] ?? "",
    })),
    isNear: true,
    open: async ({ digest }) => Readable.from([contents.get(digest)]),
  };
}

/** Resolves with the folder of the root. */
async function unpack(image: FoundImage): Promise<string> {
  const code = await openCodeDirectory(dir, async () => undefined);
  return join(dir, "code", (await code.unpackImage(image)).codeName);
}

function leftOvers(): readonly string[] {
  return ["code", "images"].flatMap((name) => readdirSync(join(dir, name)));
}

test.each<Compression>(["none", "gzip", "zstd"])(
  "unpacks layers (%s), and gives others their rights only",
  async (form) => {
    const root = await unpack(
      found(
        [
          {
            "bin/tool": { content: "tool", mode: 0o4755 },
            secret: { content: "secret", mode: 0o600 },
            "closed/": { mode: 0o000 },
            link: { type: "SymbolicLink", linkpath: "/etc/passwd" },
            again: { type: "Link", linkpath: "bin/tool" },
            "dev/console": { type: "CharacterDevice", devmaj: 5, devmin: 1 },
          },
          { "bin/other": "other" },
        ],
        form,
      ),
    );
    expect(readdirSync(root).sort()).toEqual(["again", "bin", "closed", "dev", "link", "secret"]);
    expect(readdirSync(join(root, "bin")).sort()).toEqual(["other", "tool"]);
    expect(readdirSync(join(root, "dev"))).toEqual([]);
    const modeOf = (name: string): string => (statSync(join(root, name)).mode & 0o7777).toString(8);
    expect(["bin/tool", "secret", "closed", "."].map(modeOf)).toEqual(["755", "600", "700", "755"]);
    expect(readlinkSync(join(root, "link"))).toBe("/etc/passwd");
    expect(statSync(join(root, "again")).ino).toBe(statSync(join(root, "bin/tool")).ino);
    expect(statSync(join(root, "bin/tool")).mtimeMs).toBe(1_000_000_000_000);
  },
);

test("equal layers are kept once, also of other images, and go when nobody names them", async () => {
  const [first, second] = [found([{ a: "a" }, { b: "1" }]), found([{ a: "a" }, { b: "2" }], "zstd")];
  const roots = [await unpack(first), await unpack(second)];
  expect(new Set(roots.map((root) => statSync(join(root, "a")).ino)).size).toBe(1);
  expect(readdirSync(join(dir, "images"))).toHaveLength(3);
  const code = await openCodeDirectory(dir, async () => undefined);
  const { codeName, image } = await code.unpackImage(second);
  await code.sweep(async () => new Set([codeName, ...(image?.layerNames ?? [])]));
  expect(readdirSync(join(dir, "images"))).toHaveLength(2);
  expect(readFileSync(join(dir, "code", codeName, "b"), "utf8")).toBe("2");
  await code.sweep(async () => new Set());
  expect(leftOvers()).toEqual([]);
});

test("requests for one image at the same time leave one root", async () => {
  const image = found([{ a: "a" }, { b: "b" }]);
  const roots = await Promise.all([1, 2, 3].map(() => unpack(image)));
  expect(new Set(roots).size).toBe(1);
  expect(leftOvers()).toHaveLength(3);
});

test("whiteouts remove what is below, and nothing through a link", async () => {
  const outside = join(dir, "outside");
  const root = await unpack(
    found([
      { "a/1": "1", "a/2": "2", "b/1": "1", c: { type: "SymbolicLink", linkpath: outside }, "d/e/f": "f" },
      {
        "a/.wh.1": "",
        "b/.wh..wh..opq": "",
        "b/2": "2",
        "c/.wh.kept": "",
        ".wh.d": "",
        ".wh..wh.plnk/x": "",
        ".wh.none": "",
      },
    ]),
  );
  expect(readdirSync(root).sort()).toEqual([".wh..wh.plnk", "a", "b", "c"]);
  expect([readdirSync(join(root, "a")), readdirSync(join(root, "b"))]).toEqual([["2"], ["2"]]);
  expect(lstatSync(join(root, "c")).isDirectory()).toBe(true);
  const below = found([{ x: { type: "SymbolicLink", linkpath: outside } }, { ".wh.x": "", y: "y" }]);
  symlinkSync("/etc", outside);
  expect(readdirSync(await unpack(below))).toEqual(["y"]);
  expect(lstatSync(outside).isSymbolicLink()).toBe(true);
});

test("whiteouts are of the layers below: what their own layer has stays, wherever it stands", async () => {
  const root = await unpack(
    found([
      { "a/old": "", "b/old": "", c: "old" },
      { "a/first": "", "a/.wh..wh..opq": "", "a/last": "", "b/new": "", ".wh.b": "", ".wh.c": "", c: "new" },
    ]),
  );
  expect(["a", "b"].map((name) => readdirSync(join(root, name)).sort())).toEqual([["first", "last"], ["new"]]);
  expect(readFileSync(join(root, "c"), "utf8")).toBe("new");
  expect(
    readdirSync(
      await unpack(
        found([
          { old: "", "d/e": "" },
          { ".wh..wh..opq": "", new: "" },
        ]),
      ),
    ),
  ).toEqual(["new"]);
});

test("an image that would leave too little of the disk is refused as on a full one, and nothing is left", async () => {
  const image = found([{ a: "a" }, { zeros: Buffer.alloc(80 * 1024 * 1024) }]);
  const within = async (free: number): Promise<unknown> =>
    (
      await openCodeDirectory(
        dir,
        async () => undefined,
        () => watchRoom(() => free, 512),
      )
    ).unpackImage(image);
  await expect(within(511)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(leftOvers()).toEqual([]);
  await within(512);
});

test("a disk that is full at the end leaves nothing", async () => {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const code = await openCodeDirectory(dir, () => Promise.reject(full));
  await expect(code.unpackImage(found([{ a: "a" }]))).rejects.toBe(full);
  expect(leftOvers()).toEqual([]);
});

const HEADER = { pax: { type: "ExtendedHeader", content: Buffer.alloc(2 * 1024 * 1024, "1 a=b\n") } } as const;
const HOSTILE: ReadonlyArray<readonly [string, string, Layer]> = [
  ["a name that leads out", "leads out of the image", { "a/../../x": "x" }],
  ["a hard link that leads out", "leads out of the image", { x: { type: "Link", linkpath: "../../../etc/passwd" } }],
  ["a hard link to nothing", "leads to no file of its layer", { x: { type: "Link", linkpath: "/etc/passwd" } }],
  ["a hard link to a folder", "leads to no file of its layer", { "d/": "", x: { type: "Link", linkpath: "d" } }],
  ["a hard link to itself", "leads to no file of its layer", { x: "x", "./x": { type: "Link", linkpath: "x" } }],
  [
    "a file that goes through a link",
    "has a link /a where another entry needs a folder",
    { a: { type: "SymbolicLink", linkpath: "/tmp" }, "a/x": "x" },
  ],
  ["a file in place of a folder", "has a folder /a where another entry is a file", { "a/": "", a: "x" }],
  ["a device", "/x is a device or a pipe", { x: { type: "BlockDevice", devmaj: 8, devmin: 0 } }],
  ["a pipe", "/x is a device or a pipe", { x: { type: "FIFO" } }],
  ["a whiteout of everything", "names nothing", { "a/.wh...": "" }],
  ["a name that is too long", "too long or too deep", paxPath("n".repeat(300))],
  ["a path that is too deep", "too long or too deep", paxPath(Array.from({ length: 130 }, () => "a").join("/"))],
  ["a link that leads nowhere", "linkpath required", { x: { type: "SymbolicLink", linkpath: "" } }],
  ["a long extended header", "an entry of type ExtendedHeader can't be read", HEADER],
  ["an archive that is compressed once more", "there is something compressed in it", gzipSync(tarOf({ x: "x" }))],
  ["the same with zstd", "there is something compressed in it", zstdCompressSync(tarOf({ x: "x" }))],
  ["no archive", "a layer is damaged", Buffer.from("no archive ".repeat(200))],
  ["a cut archive", "a layer is damaged", tarOf({ x: Buffer.alloc(5000) }).subarray(0, 1024)],
];

/** A file with a name that only an extended header can have. */
function paxPath(path: string): Readonly<Record<string, LayerEntry>> {
  const text = ` path=${path}\n`;
  let length = text.length;
  while (`${length}${text}`.length !== length) length = `${length}${text}`.length;
  return { pax: { type: "ExtendedHeader", content: `${length}${text}` }, file: "x" };
}

test.each(HOSTILE)("%s is refused, and nothing is left", async (_what, text, layer) => {
  await expect(unpack(found([{ good: "good" }, layer]))).rejects.toThrow(
    new RegExp(`^Source image oci:test is not valid\\. Provide a valid source image\\. \\(.*${text}`),
  );
  expect(leftOvers()).toEqual([]);
});

test("other bytes than the manifest says are refused, and nothing is left", async () => {
  const image = found([{ a: "a" }]);
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("there is one");
  const other = gzipSync(tarOf({ a: "other" }));
  const spoilt: ReadonlyArray<readonly [string, Partial<FoundImage>]> = [
    [
      "another digest than its name",
      { open: async () => Readable.from([other]), layers: [{ ...layer, sizeBytes: other.length }] },
    ],
    ["a layer is shorter than its manifest says", { layers: [{ ...layer, sizeBytes: layer.sizeBytes + 1 }] }],
    ["a layer is longer than its manifest says", { layers: [{ ...layer, sizeBytes: 10 }] }],
    ["another digest than the configuration says", { layers: [{ ...layer, diffId: "0".repeat(64) }] }],
    ["a layer can't be decompressed", { layers: [{ ...layer, compression: "zstd" }] }],
    [
      "a layer can't be decompressed",
      { open: async () => Readable.from([gzipSync(tarOf({ a: "a" })).subarray(0, 40)]) },
    ],
  ];
  for (const [text, changes] of spoilt) {
    await expect(unpack({ ...image, ...changes })).rejects.toThrow(text);
    expect(leftOvers()).toEqual([]);
  }
});

test("a blob that ends in a failure of its source leaves nothing, and says what it was", async () => {
  const blob = gzipSync(tarOf({ a: "a" })).subarray(0, 30);
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield blob;
    throw new Error("connection reset");
  };
  const unpacking = unpack({ ...found([{ a: "a" }]), open: async () => Readable.from(broken()) });
  await expect(unpacking).rejects.toThrow("connection reset");
  expect(leftOvers()).toEqual([]);
});

const LIMITS = { entries: 1000, pathsSizeBytes: 1024 * 1024, sizeBytes: 4 * 1024 * 1024 };

/** Unpacks the first layer with less than AWS's limits. */
async function unpackWithin(image: FoundImage): Promise<void> {
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("there is one");
  await unpackLayer(image, layer, join(dir, "layer"), { ...LIMITS });
}

/** An archive of one file that is longer than the limit, as no more than its compressed bytes. */
test.each<Compression>(["gzip", "zstd"])("a bomb (%s) ends where the image is too large", async (compression) => {
  const bomb = { zeros: Buffer.alloc(256 * 1024 * 1024) };
  const image = found([bomb], compression);
  expect(image.layers[0]?.sizeBytes).toBeLessThan(1024 * 1024);
  await expect(unpackWithin(image)).rejects.toThrow("bytes, uncompressed");
  expect(statSync(join(dir, "layer/tree/zeros")).size).toBeLessThanOrEqual(LIMITS.sizeBytes);
});

test("what is behind the end of an archive costs no memory", async () => {
  const end = tarOf({ a: "a" });
  const diffId = createHash("sha256").update(end);
  const zeros = Buffer.alloc(64 * 1024);
  const parts = 2048;
  for (let part = 0; part < parts; part++) diffId.update(zeros);
  const tar = function* (): Generator<Buffer> {
    yield end;
    for (let part = 0; part < parts; part++) yield zeros;
  };
  const image = found([{ a: "a" }], "none");
  const [layer] = image.layers;
  if (layer === undefined) throw new Error("there is one");
  const digest = diffId.digest("hex");
  const sizeBytes = end.length + parts * zeros.length;
  const long = { ...layer, digest, diffId: digest, sizeBytes };
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const watched = function* (): Generator<Buffer> {
    for (const part of tar()) {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      yield part;
    }
  };
  const root = await unpack({ ...image, layers: [long], open: async () => Readable.from(watched()) });
  expect(readdirSync(root)).toEqual(["a"]);
  expect(most).toBeLessThan(32 * 1024 * 1024);
});

test("an image of too many entries ends with the first one beyond, whatever they are", async () => {
  const many = (entry: (at: number) => readonly [string, LayerEntry]): Layer =>
    Object.fromEntries(Array.from({ length: 3000 }, (_, at) => entry(at)));
  const kinds: Readonly<Record<string, Layer>> = {
    files: many((at) => [`f${at}`, ""]),
    folders: many((at) => [`d${at}/`, ""]),
    links: many((at) => [`l${at}`, { type: "SymbolicLink", linkpath: "/x" }]),
    whiteouts: many((at) => [`.wh.w${at}`, ""]),
    devices: many((at) => [`dev/n${at}`, { type: "CharacterDevice", devmaj: 1, devmin: 3 }]),
    // Each file brings a hundred folders that no entry names.
    deep: many((at) => [`${Array.from({ length: 100 }, () => `p${at % 30}`).join("/")}/f${at}`, ""]),
  };
  for (const [kind, layer] of Object.entries(kinds)) {
    const image = found([layer]);
    await expect(unpackWithin(image), kind).rejects.toThrow("it has more than 100000 files and folders");
    expect(readdirSync(join(dir, "layer/tree"), { recursive: true }).length).toBeLessThanOrEqual(LIMITS.entries);
    rmSync(join(dir, "layer"), { recursive: true });
  }
});

test("an image of too many entries is refused before any of its layers is unpacked", async () => {
  const deep = (at: number): string => Array.from({ length: 80 }, () => at.toString(36)).join("/");
  const layers = ["a", "b"].map((name) =>
    Object.fromEntries(Array.from({ length: 650 }, (_, at) => [`${name}/${deep(at)}/f`, ""])),
  );
  const image = found(layers);
  const written: number[] = [];
  const open: FoundImage["open"] = (layer) => {
    written.push(readdirSync(join(dir, "images"), { recursive: true }).length);
    return image.open(layer);
  };
  await expect(unpack({ ...image, open })).rejects.toThrow("it has more than 100000 files and folders");
  // The folder that it would have been unpacked to.
  expect(written).toEqual([1, 1]);
  expect(leftOvers()).toEqual([]);
});

/** Entries below one folder, each with a path of 4,000 bytes. */
function longPaths(count: number, prefix: string): Buffer {
  const folder = Array.from({ length: 16 }, () => "d".repeat(247)).join("/");
  const entries = Array.from({ length: count }, (_, at) =>
    tarOf(paxPath(`${folder}/${prefix}${at}`)).subarray(0, -1024),
  );
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

test.each(["f", ".wh."])("paths (%s…) that are too long together are refused", async (prefix) => {
  await expect(unpackWithin(found([longPaths(300, prefix)]))).rejects.toThrow(
    "the paths of its files and folders have more than 33554432 bytes together",
  );
});

test("paths that are too long together are refused before anything is unpacked", async () => {
  const image = found([longPaths(4300, "a"), longPaths(4300, "b")], "zstd");
  const written: number[] = [];
  const open: FoundImage["open"] = (layer) => {
    written.push(readdirSync(join(dir, "images"), { recursive: true }).length);
    return image.open(layer);
  };
  await expect(unpack({ ...image, open })).rejects.toThrow("the paths of its files and folders");
  expect(written).toEqual([1, 1]);
  expect(leftOvers()).toEqual([]);
});

test.each<Compression>(["none", "gzip"])(
  "an image that its manifest says is too large is not opened (%s)",
  async (form) => {
    const image = found([{ a: "a" }, { b: "b" }], form);
    const layers = image.layers.map((layer) => ({ ...layer, sizeBytes: 6 * 1024 ** 3 }));
    const open: FoundImage["open"] = () => Promise.reject(new Error("nothing is to be read"));
    await expect(unpack({ ...image, layers, open })).rejects.toThrow("it has more than 10737418240 bytes");
    expect(leftOvers()).toEqual([]);
  },
);

test("an image of thousands of files, and whiteouts of all of them", async () => {
  const names = Array.from({ length: 4000 }, (_, at) => `a/${at % 100}/f${at}`);
  const all = Object.fromEntries(names.map((name) => [name, ""]));
  const none = Object.fromEntries(names.map((name) => [name.replace("/f", "/.wh.f"), ""]));
  const root = await unpack(found([all, none]));
  expect(readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);
  expect(readdirSync(join(root, "a"))).toHaveLength(100);
});
