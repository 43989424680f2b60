/** Folders to deploy with links, pipes and odd names, and what becomes of each in the zip. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { packageCode } from "./package-code.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "package-code-"));
  write("app/index.js", "app");
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function link(path: string, to: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(to, join(root, path));
}

/** Entries of the zip of app/: mode in octal, and text, as Python's zipfile reads them. */
async function entries(path = "app"): Promise<Record<string, readonly [string, string]>> {
  const zip = join(root, "made.zip");
  writeFileSync(zip, await packageCode(root, path));
  const script =
    "import json, sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nprint(json.dumps({i.filename: [oct(i.external_attr >> 16), z.read(i).decode()] for i in z.infolist()}))";
  return JSON.parse(execFileSync("python3", ["-c", script, zip], { encoding: "utf8" })) as Record<
    string,
    readonly [string, string]
  >;
}

const FILE = "0o100644";
const LINK = "0o120777";

it("keeps links that stay inside, and follows those that lead out", async ({ expect }) => {
  write("packages/helpers/index.js", "helped");
  write("packages/helpers/.git/config", "left out");
  write("app/lib/libfoo.so.1", "library");
  write("app/node_modules/real/cli.js", "cli");
  link("app/node_modules/helpers", "../../packages/helpers");
  link("app/node_modules/same", "real");
  link("app/node_modules/.bin/cli", "../real/cli.js");
  link("app/lib/libfoo.so", "libfoo.so.1");
  link("app/absolute", join(root, "app/lib"));
  link("app/up/root", "..");
  link("app/file", join(root, "packages/helpers/index.js"));
  expect(await entries()).toEqual({
    "index.js": [FILE, "app"],
    "node_modules/helpers/index.js": [FILE, "helped"],
    "node_modules/same": [LINK, "real"],
    "node_modules/real/cli.js": [FILE, "cli"],
    "node_modules/.bin/cli": [LINK, "../real/cli.js"],
    "lib/libfoo.so": [LINK, "libfoo.so.1"],
    "lib/libfoo.so.1": [FILE, "library"],
    absolute: [LINK, "lib"],
    "up/root": [LINK, ".."],
    file: [FILE, "helped"],
  });
});

it("packs what a link leads to where the link's own target is left out", async ({ expect }) => {
  write("app/.aws-sam/x.js", "x");
  link("app/x.js", ".aws-sam/x.js");
  expect(await entries()).toEqual({ "index.js": [FILE, "app"], "x.js": [FILE, "x"] });
});

it("packs a single file that is no zip, keeps its executable bit, and takes a zip as it is", async ({ expect }) => {
  write("bootstrap", "#!/bin/sh");
  chmodSync(join(root, "bootstrap"), 0o755);
  expect(await entries("bootstrap")).toEqual({ bootstrap: ["0o100755", "#!/bin/sh"] });
  const zip = await packageCode(root, "app");
  writeFileSync(join(root, "app.zip"), zip);
  expect(await packageCode(root, "app.zip")).toEqual(zip);
});

it("makes equal zips of equal folders", async ({ expect }) => {
  write("app/b.js", "b");
  write("app/a.js", "a");
  link("app/c.js", "a.js");
  const first = await packageCode(root, "app");
  rmSync(join(root, "app/a.js"));
  write("app/a.js", "a");
  expect(await packageCode(root, "app")).toEqual(first);
});

describe("refuses by name", () => {
  it("a dangling link", async ({ expect }) => {
    link("app/gone", "nowhere");
    await expect(packageCode(root, "app")).rejects.toThrow(/app\/gone .*is a link to nowhere, which is not there/);
  });

  it("a link to itself", async ({ expect }) => {
    link("app/loop", "loop");
    await expect(packageCode(root, "app")).rejects.toThrow(/app\/loop .*leads round in a circle/);
  });

  it("links outside that lead back, which would never end", async ({ expect }) => {
    write("other/index.js", "x");
    link("other/again", "../other");
    link("other/above", "..");
    link("app/other", "../other");
    await expect(packageCode(root, "app")).rejects.toThrow(/other\/above can't be packed: it leads to .*lies itself/);
    rmSync(join(root, "other/above"));
    await expect(packageCode(root, "app")).rejects.toThrow(/other\/again can't be packed: it leads to .*lies itself/);
  });

  it("a pipe, also behind a link, and as the code itself", async ({ expect }) => {
    execFileSync("mkfifo", [join(root, "app/pipe")]);
    await expect(packageCode(root, "app")).rejects.toThrow(/app\/pipe can't be packed: it is a named pipe/);
    await expect(packageCode(root, "app/pipe")).rejects.toThrow(/app\/pipe can't be deployed: it is no file/);
    link("linked/pipe", "../app/pipe");
    await expect(packageCode(root, "linked")).rejects.toThrow(/pipe can't be packed: it is a named pipe/);
  });

  it("a socket and a device", async ({ expect }) => {
    const server = createServer().listen(join(root, "app/s.sock"));
    await once(server, "listening");
    try {
      await expect(packageCode(root, "app")).rejects.toThrow(/app\/s.sock can't be packed: it is a socket/);
    } finally {
      server.close();
    }
    link("devices/null", "/dev/null");
    await expect(packageCode(root, "devices")).rejects.toThrow(/null can't be packed: it is a device/);
  });

  it("a file that can't be read, by its name", async ({ expect }) => {
    link("app/memory", "/proc/self/mem");
    await expect(packageCode(root, "app")).rejects.toThrow(/\/proc\/\d+\/mem can't be packed: i\/o error/);
  });

  it("names that a package can't have", async ({ expect }) => {
    writeFileSync(Buffer.concat([Buffer.from(join(root, "app/")), Buffer.from([0xff, 0xfe]), Buffer.from(".txt")]), "");
    await expect(packageCode(root, "app")).rejects.toThrow(/\.txt can't be packed: its name is no UTF-8/);
    write("other/a\\b", "x");
    await expect(packageCode(root, "other")).rejects.toThrow(/its name has a backslash/);
  });

  it("an empty folder, and what is not there", async ({ expect }) => {
    mkdirSync(join(root, "empty"));
    await expect(packageCode(root, "empty")).rejects.toThrow(/empty has no files$/);
    await expect(packageCode(root, "none")).rejects.toThrow(/none is not there\./);
  });
});
