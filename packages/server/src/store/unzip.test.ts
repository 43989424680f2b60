import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { unzip } from "./unzip.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "unzip-test-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Written by Python's zipfile, which writes any name and any mode. */
function zipWith(script: string): Buffer {
  const path = join(dir, "made.zip");
  const head =
    "import sys, zipfile, stat\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\ndef link(name, to):\n i = zipfile.ZipInfo(name)\n i.create_system = 3\n i.external_attr = (stat.S_IFLNK | 0o777) << 16\n z.writestr(i, to)\n";
  execFileSync("python3", ["-W", "ignore", "-c", `${head}${script}\nz.close()`, path]);
  return readFileSync(path);
}

/** Writes other bytes in the place of a name, whose length must be the same. */
function replaceAll(zip: Buffer, name: string, bytes: Buffer): void {
  for (let at = zip.indexOf(name); at !== -1; at = zip.indexOf(name)) bytes.copy(zip, at);
}

const refused: ReadonlyArray<readonly [string, string, RegExp]> = [
  ["a path that goes up", "z.writestr('../evil', 'x')", /invalid relative path/],
  ["an absolute path", "z.writestr('/evil', 'x')", /absolute path/],
  ["a backslash path", "z.writestr('..\\\\evil', 'x')", /relative path/],
  ["a file through a link", "link('a', 'b')\nz.writestr('a/file', 'x')", /writes through a link/],
  ["a link through a link", "link('a', '/tmp')\nlink('a/evil', 'x')", /writes through a link/],
  ["a link in the place of a folder", "z.writestr('a/b', 'x')\nlink('a', '/tmp')", /Could not unzip/],
  ["an empty link", "link('a', '')", /leads nowhere/],
  ["a file that is also a folder", "z.writestr('a', 'x')\nz.writestr('a/b', 'y')", /file where another entry needs/],
  ["no entry at all", "", /^Uploaded file must be a non-empty zip$/],
  [
    "a device",
    "i = zipfile.ZipInfo('dev')\ni.create_system = 3\ni.external_attr = (stat.S_IFCHR | 0o666) << 16\nz.writestr(i, '')",
    /no file/,
  ],
  ["a bomb", "z.writestr('bomb', b'\\0' * 262_144_001)", /Unzipped size must be smaller than 262144000 bytes/],
];

describe("unzip", () => {
  it("keeps files, folders, links inside and the executable bit", async ({ expect }) => {
    const script =
      "z.writestr('lib/a.txt', 'a')\nlink('link', 'lib/a.txt')\nlink('lib/up', '../lib/a.txt')\ni = zipfile.ZipInfo('bootstrap')\ni.create_system = 3\ni.external_attr = 0o100755 << 16\nz.writestr(i, '#!')";
    await unzip(zipWith(script), dir);
    expect(readFileSync(join(dir, "link"), "utf8")).toBe("a");
    expect(readlinkSync(join(dir, "lib/up"))).toBe("../lib/a.txt");
    expect(statSync(join(dir, "bootstrap")).mode & 0o777).toBe(0o755);
    expect(statSync(join(dir, "lib/a.txt")).mode & 0o777).toBe(0o644);
  });

  it("does not look at each parent of a name that no file can have", async ({ expect }) => {
    const looks = vi.spyOn(posix, "dirname");
    try {
      await expect(unzip(zipWith("z.writestr('a/' * 30_000 + 'x', 'y')"), dir)).rejects.toThrow(
        /it has a name that is too long/,
      );
      expect(looks).not.toHaveBeenCalled();
    } finally {
      looks.mockRestore();
    }
  });

  it("takes links that lead out of it: they are resolved in the sandbox", async ({ expect }) => {
    await unzip(zipWith("link('cache', '/tmp/cache')\nlink('b/up', '../../x')\nlink('odd', './b/../b/up')"), dir);
    const links = ["cache", "b/up", "odd"].map((name) => readlinkSync(join(dir, name)));
    expect(links).toEqual(["/tmp/cache", "../../x", "./b/../b/up"]);
  });

  it.for([
    ["z.writestr('a', 'x')\nz.writestr('a', 'y')", "y"],
    ["z.writestr('a', 'longer')\nz.writestr('./a', 'y')", "y"],
    ["link('a', 'b')\nz.writestr('b', 'other')\nz.writestr('a', 'y')", "y"],
    ["z.writestr('a', 'x')\nz.writestr('b', 'y')\nlink('a', 'b')", "y"],
    ["z.writestr('b', 'y')\nlink('a', 'x')\nlink('a', 'b')", "y"],
    ["z.writestr('d/', '')\nz.writestr('d/', '')\nz.writestr('a', 'y')\nz.writestr('d/', '')", "y"],
  ])("lets the last one of several entries of one name count: %j", async ([script, expected], { expect }) => {
    await unzip(zipWith(script as string), dir);
    expect(readFileSync(join(dir, "a"), "utf8")).toBe(expected);
  });

  it("reads names in UTF-8 without the flag, in code page 437, and backslashes as their system means them", async ({
    expect,
  }) => {
    const script =
      "z.writestr('AAAA.json', '')\nz.writestr('BBB.txt', '')\nz.writestr('unix\\\\name', '')\ni = zipfile.ZipInfo('dos_name')\ni.create_system = 0\nz.writestr(i, '')";
    const zip = zipWith(script);
    replaceAll(zip, "AAAA", Buffer.from("éé"));
    // "été" of code page 437.
    replaceAll(zip, "BBB", Buffer.from([0x82, 0x74, 0x82]));
    replaceAll(zip, "dos_name", Buffer.from("dos\\name"));
    rmSync(join(dir, "made.zip"));
    await unzip(zip, dir);
    expect(readdirSync(dir).toSorted()).toEqual(["dos", "unix\\name", "éé.json", "été.txt"].toSorted());
    expect(readdirSync(join(dir, "dos"))).toEqual(["name"]);
  });

  it.for(refused)("refuses %s", { timeout: 30_000 }, async ([, script, message], { expect }) => {
    await expect(unzip(zipWith(script), dir)).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringMatching(message),
    });
    expect(existsSync(join(dir, "../evil"))).toBe(false);
  });

  it.for([Buffer.from("no zip"), Buffer.alloc(0)])("refuses what is no zip", async (bytes, { expect }) => {
    await expect(unzip(bytes, dir)).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining("Could not unzip uploaded file"),
    });
  });

  it("refuses content that is not what it was", async ({ expect }) => {
    const zip = zipWith("z.writestr('a', 'some-content', zipfile.ZIP_STORED)");
    const at = zip.indexOf("some-content");
    zip[at] = (zip[at] ?? 0) ^ 1;
    await expect(unzip(zip, dir)).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining("the content of a does not have its checksum"),
    });
  });

  it("never throws anything else, whatever byte is changed", async ({ expect }) => {
    const zip = zipWith("z.writestr('a/b.txt', 'hello' * 20)\nlink('l', 'a/b.txt')");
    for (let at = 0; at < zip.length; at++) {
      const changed = Buffer.from(zip);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      const target = mkdtempSync(join(dir, "t-"));
      const error = await unzip(changed, target).catch((thrown: Error) => thrown);
      if (error !== undefined)
        expect(error.name, `byte ${at}: ${error.message}`).toBe("InvalidParameterValueException");
    }
  });
});
