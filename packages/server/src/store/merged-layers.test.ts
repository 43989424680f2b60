import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { optNameOf } from "../model/layer-record.ts";
import { openCodeDirectory } from "./code-directory.ts";
import { mergeLayers, sizeOfTree } from "./merged-layers.ts";

let dir: string;
let count = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "layers-test-"));
  mkdirSync(join(dir, "opt"));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Files by their paths; `-> x` is a link, null a folder. */
function layer(entries: Readonly<Record<string, string | null>>): string {
  const root = join(dir, `layer-${++count}`);
  mkdirSync(root);
  for (const [name, content] of Object.entries(entries)) {
    const path = join(root, name);
    mkdirSync(content === null ? path : dirname(path), { recursive: true });
    if (content?.startsWith("-> ") === true) symlinkSync(content.slice(3), path);
    else if (content !== null) writeFileSync(path, content);
  }
  return root;
}

/** What a tree holds, in the form of `layer`. */
function shown(root: string, below = ""): Record<string, string | null> {
  const entries: Record<string, string | null> = {};
  for (const name of readdirSync(join(root, below))) {
    const at = join(below, name);
    const kind = lstatSync(join(root, at));
    if (kind.isSymbolicLink()) entries[at] = `-> ${readlinkSync(join(root, at))}`;
    else if (!kind.isDirectory()) entries[at] = readFileSync(join(root, at), "utf8");
    else Object.assign(entries, readdirSync(join(root, at)).length === 0 ? { [at]: null } : shown(root, at));
  }
  return entries;
}

async function merged(...layers: ReadonlyArray<Readonly<Record<string, string | null>>>): Promise<string> {
  await mergeLayers(join(dir, "opt"), "opt-1", layers.map(layer));
  return join(dir, "opt/opt-1");
}

describe("merged layers", () => {
  it("are one tree, in which the later file is there", async ({ expect }) => {
    const tree = await merged(
      { "python/a.py": "1", "python/b.py": "1", "bin/tool": "1", "only/first": "1" },
      { "python/b.py": "2", "python/lib/c.py": "2", empty: null },
      { "bin/tool": "3" },
    );
    expect(shown(tree)).toEqual({
      "python/a.py": "1",
      "python/b.py": "2",
      "python/lib/c.py": "2",
      "bin/tool": "3",
      "only/first": "1",
      empty: null,
    });
    expect(readdirSync(join(dir, "opt"))).toEqual(["opt-1"]);
  });

  it.for([
    ["a file over a folder", { "a/b": "1" }, { a: "2" }, { a: "2" }],
    ["a folder over a file", { a: "1" }, { "a/b": "2" }, { "a/b": "2" }],
    ["a link over a file", { a: "1" }, { a: "-> elsewhere" }, { a: "-> elsewhere" }],
    ["a link over a folder", { "a/b": "1" }, { a: "-> elsewhere" }, { a: "-> elsewhere" }],
    ["a file over a link", { a: "-> elsewhere" }, { a: "2" }, { a: "2" }],
  ] as const)("%s: the later one is there", async ([, first, second, expected], { expect }) => {
    expect(shown(await merged(first, second))).toEqual(expected);
  });

  it("are never written through a link, to wherever it leads", async ({ expect }) => {
    mkdirSync(join(dir, "outside"));
    writeFileSync(join(dir, "outside/file"), "untouched");
    for (const to of [join(dir, "outside"), "../../outside"]) {
      const layers = [layer({ a: `-> ${to}` }), layer({ "a/file": "2", "a/new": "2" })];
      await mergeLayers(join(dir, "opt"), `opt-${to.length}`, layers);
      expect(shown(join(dir, "opt", `opt-${to.length}`))).toEqual({ "a/file": "2", "a/new": "2" });
    }
    expect(shown(join(dir, "outside"))).toEqual({ file: "untouched" });
  });

  it("have their layers' modes, and folders that every user may read", async ({ expect }) => {
    const source = layer({ "bin/tool": "#!", "bin/data": "x" });
    chmodSync(join(source, "bin/tool"), 0o755);
    chmodSync(join(source, "bin/data"), 0o644);
    const mask = process.umask(0o077);
    try {
      await mergeLayers(join(dir, "opt"), "opt-1", [source]);
    } finally {
      process.umask(mask);
    }
    const modeOf = (name: string): string => (statSync(join(dir, "opt/opt-1", name)).mode & 0o777).toString(8);
    expect([".", "bin", "bin/tool", "bin/data"].map(modeOf)).toEqual(["755", "755", "755", "644"]);
    expect(statSync(join(dir, "opt/opt-1/bin/tool")).ino).toBe(statSync(join(source, "bin/tool")).ino);
  });

  it("are there whole or not at all, and left alone once they are", async ({ expect }) => {
    const optDir = join(dir, "opt");
    await expect(mergeLayers(optDir, "opt-1", [layer({ a: "1" }), join(dir, "missing")])).rejects.toThrow(/ENOENT/);
    expect(readdirSync(optDir)).toEqual([]);
    const source = layer({ a: "1" });
    await Promise.all([1, 2, 3].map(() => mergeLayers(optDir, "opt-1", [source])));
    await mergeLayers(optDir, "opt-1", [layer({ b: "2" })]);
    expect(shown(join(optDir, "opt-1"))).toEqual({ a: "1" });
    expect(readdirSync(optDir)).toEqual(["opt-1"]);
  });

  it("count by their files", async ({ expect }) => {
    const source = layer({ "a/b": "12345", c: "123", link: "-> /etc/passwd", empty: null });
    expect(await sizeOfTree(source)).toBe(8);
  });

  it("lie beside the packages: found, read for texts, kept and removed by what is used", async ({ expect }) => {
    const store = await openCodeDirectory(dir, async () => undefined);
    const zip = (name: string, text: string): Buffer => {
      const path = join(dir, `${name}.zip`);
      const script = "import sys, zipfile\nzipfile.ZipFile(sys.argv[1], 'w').writestr(*sys.argv[2:])";
      execFileSync("python3", ["-c", script, path, name, text]);
      return readFileSync(path);
    };
    const layers = [await store.unpack(zip("a", "first")), await store.unpack(zip("b", "second"))];
    const names = layers.map(({ codeName }) => codeName);
    const optName = optNameOf(layers) ?? "";
    await store.merge(optName, names);
    expect(shown(join(dir, "opt", optName))).toEqual({ a: "first", b: "second" });
    expect([...(await store.findTexts(optName, ["second", "third"]))]).toEqual(["second"]);
    expect(await store.unpackedSizeOf(names[1] ?? "")).toBe(6);
    await store.sweep(async () => new Set([optName, ...names.slice(0, 1)]));
    expect(readdirSync(join(dir, "code"))).toEqual(names.slice(0, 1));
    // What is merged lives by itself.
    expect(shown(join(dir, "opt", optName))).toEqual({ a: "first", b: "second" });
    await store.sweep(async () => new Set());
    expect(["code", "opt", "packages"].map((each) => readdirSync(join(dir, each)))).toEqual([[], [], []]);
  });
});

describe("a file with as many names as its file system allows", () => {
  it("is copied once for all its other names", { timeout: 60_000 }, async ({ expect }) => {
    const source = layer({ "full/first": "content" });
    const spare = join(dir, "spare");
    mkdirSync(spare);
    // Of ext4; other file systems allow more, or any number.
    const LINKS_MAX = 65_000;
    const first = join(source, "full/first");
    for (let name = 1; name < LINKS_MAX - 40; name++) linkSync(first, join(spare, String(name)));
    for (let name = 0; name < 40; name++) linkSync(first, join(source, `full/${name}`));
    await mergeLayers(join(dir, "opt"), "opt-1", [source]);
    const root = join(dir, "opt/opt-1/full");
    const inodes = new Set(readdirSync(root).map((name) => lstatSync(join(root, name)).ino));
    expect(readdirSync(root)).toHaveLength(41);
    // Sixteen are made at the same time, and may find at once that there are no more.
    expect(inodes.size).toBeLessThanOrEqual(17);
    expect(readFileSync(join(root, "39"), "utf8")).toBe("content");
  });
});
