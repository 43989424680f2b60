import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { copyFiles } from "./copy-files.ts";

let dir: string;
const at = (...parts: readonly string[]): string => join(dir, ...parts);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-copy-"));
  for (const name of ["data", "backup", "root"]) mkdirSync(at(name));
});
afterEach(() => rmSync(dir, { recursive: true }));

it("a link that becomes a file between two copies leads root nowhere", () => {
  writeFileSync(at("root/file"), "root's own");
  symlinkSync(at("root/file"), at("data/x"));
  mkdirSync(at("data/code"));
  symlinkSync(at("root/file"), at("data/code/y"));
  copyFiles(at("data"), ["x", "code"], at("backup"));
  for (const path of ["data/x", "data/code/y"]) {
    rmSync(at(path));
    writeFileSync(at(path), "the server's");
  }
  copyFiles(at("data"), ["x", "code"], at("backup"));
  expect(readFileSync(at("root/file"), "utf8")).toBe("root's own");
  for (const path of ["backup/x", "backup/code/y"]) {
    expect(lstatSync(at(path)).isFile()).toBe(true);
    expect(readFileSync(at(path), "utf8")).toBe("the server's");
  }
});

it("a link that becomes a directory is refused", () => {
  symlinkSync(at("root"), at("data/x"));
  copyFiles(at("data"), ["x"], at("backup"));
  rmSync(at("data/x"));
  mkdirSync(at("data/x"));
  writeFileSync(at("data/x/file"), "the server's");
  expect(() => copyFiles(at("data"), ["x"], at("backup"))).toThrow(/cannot overwrite non-directory/);
});
