import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findTexts, type SearchLimits } from "./find-texts.ts";

let dir: string;
/** Where zips in zips are copied to. */
let scratch: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-texts-"));
  scratch = mkdtempSync(join(tmpdir(), "thaw-texts-scratch-"));
});
afterEach(() => {
  expect(readdirSync(scratch)).toEqual([]);
  for (const each of [dir, scratch]) rmSync(each, { recursive: true, force: true });
});

const ADDRESS = "192.0.2.77";
const PIECE_SIZE_BYTES = 256 * 1024;

/** Makes a zip, compressed, with each content so many times one after the other. */
function zip(name: string, entries: Readonly<Record<string, readonly [string, number]>>): void {
  const script = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for name, (text, times) in json.loads(sys.argv[2]).items():
        archive.writestr(name, text * times)`;
  execFileSync("python3", ["-c", script, join(dir, name), JSON.stringify(entries)]);
}

const find = (texts: readonly string[], limits?: SearchLimits): Promise<ReadonlySet<string>> =>
  findTexts(dir, texts, join(scratch, "partial-"), limits);
const search = async (...texts: readonly string[]): Promise<readonly string[]> => [...(await find(texts))];

test("texts are found in files of every folder, also across the pieces in which a file is read", async () => {
  mkdirSync(join(dir, "deep/er"), { recursive: true });
  writeFileSync(join(dir, "deep/er/a"), `before ${ADDRESS} after`);
  for (const before of [1, 5, ADDRESS.length - 1])
    writeFileSync(join(dir, `across-${before}`), `${"x".repeat(PIECE_SIZE_BYTES - before)}${before}-${ADDRESS}`);
  expect(await search(ADDRESS, `1-${ADDRESS}`, `5-${ADDRESS}`, `9-${ADDRESS}`, "absent")).toEqual(
    expect.arrayContaining([ADDRESS, `1-${ADDRESS}`, `5-${ADDRESS}`, `9-${ADDRESS}`]),
  );
  expect(await search("absent")).toEqual([]);
});

test("a jar's classes count, whatever its name and however it is compressed", async () => {
  zip("library.jar", { "one.class": ["nothing", 1], "two.class": [`http://${ADDRESS}/`, 500] });
  expect(readFileSync(join(dir, "library.jar")).includes(ADDRESS)).toBe(false);
  expect(await search(ADDRESS, "absent")).toEqual([ADDRESS]);
});

/** Puts a file of the folder into a zip in its place, so many times one around the other. */
function wrap(name: string, times: number, method: "STORED" | "DEFLATED"): void {
  const script = `import io, sys, zipfile
path, times, method = sys.argv[1], int(sys.argv[2]), getattr(zipfile, "ZIP_" + sys.argv[3])
content = open(path, "rb").read()
for _ in range(times):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("BOOT-INF/lib/inner.jar", content)
    content = out.getvalue()
open(path, "wb").write(content)`;
  execFileSync("python3", ["-c", script, join(dir, name), String(times), method]);
}

test.each(["STORED", "DEFLATED"] as const)(
  "the libraries of an executable jar count, also where it lies in an archive, but not further in (%s)",
  async (method) => {
    zip("boot.jar", { "a.class": ["nothing", 1], "b.class": [ADDRESS, 500] });
    wrap("boot.jar", 2, method);
    zip("deep.jar", { "c.class": ["the deepest one", 500] });
    wrap("deep.jar", 3, method);
    writeFileSync(join(dir, "zz"), "the last one");
    expect(await search(ADDRESS, "the deepest one", "the last one")).toEqual([ADDRESS, "the last one"]);
  },
);

test("a zip in a zip that is damaged is read as a file, and its neighbours are", async () => {
  zip("inner.jar", { a: ["x", 100_000], b: ["never seen", 100] });
  const content = readFileSync(join(dir, "inner.jar"));
  writeFileSync(join(dir, "inner.jar"), content.subarray(0, content.length - 30));
  wrap("inner.jar", 1, "STORED");
  zip("other.jar", { a: [ADDRESS, 10] });
  wrap("other.jar", 1, "STORED");
  expect(await search("never seen", ADDRESS)).toEqual([ADDRESS]);
});

test("nothing outside is read through a link", async () => {
  const outside = mkdtempSync(join(tmpdir(), "thaw-texts-outside-"));
  writeFileSync(join(outside, "a"), ADDRESS);
  symlinkSync(join(outside, "a"), join(dir, "file"));
  symlinkSync(outside, join(dir, "folder"));
  expect(await search(ADDRESS)).toEqual([]);
  rmSync(outside, { recursive: true });
});

test("a zip that is cut or damaged is read as a file, and the search goes on", async () => {
  zip("whole.zip", { a: ["x", 100_000], b: [ADDRESS, 100] });
  const content = readFileSync(join(dir, "whole.zip"));
  rmSync(join(dir, "whole.zip"));
  writeFileSync(join(dir, "1-cut.zip"), content.subarray(0, content.length - 30));
  const damaged = Buffer.from(content);
  damaged.fill(0xff, 40, 120);
  writeFileSync(join(dir, "2-damaged.zip"), damaged);
  writeFileSync(join(dir, "3-short"), "PK");
  writeFileSync(join(dir, "4-last"), "the last one");
  expect(await search("the last one", "absent")).toEqual(["the last one"]);
});

test("a zip with gigabytes of zeros ends at the limit, and so does one of too many entries", async () => {
  zip("bomb.jar", { zeros: ["\0".repeat(1024), 20_000], last: [ADDRESS, 1] });
  const limits = { sizeBytes: 1024 * 1024, entries: 10 };
  expect([...(await find([ADDRESS], limits))]).toEqual([]);
  expect([...(await find([ADDRESS], { ...limits, entries: 1, sizeBytes: 1024 ** 3 }))]).toEqual([]);
  expect(await search(ADDRESS)).toEqual([ADDRESS]);
});
