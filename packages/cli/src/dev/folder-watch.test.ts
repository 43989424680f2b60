/** What is told of files and folders that change, come, go and take the place of others. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FolderWatch } from "./folder-watch.ts";

let root: string;
let told: string[];
let wake: () => void;
let watching: FolderWatch;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "folder-watch-"));
  mkdirSync(join(root, "code/deep"), { recursive: true });
  told = [];
  wake = () => undefined;
  watching = new FolderWatch((path) => {
    told.push(path.slice(root.length + 1));
    wake();
  });
});

afterEach(() => {
  watching.close();
  rmSync(root, { recursive: true });
});

const write = (path: string): void => writeFileSync(join(root, path), path);

/** Files that are each written once, after what a test does: all that was told before it is heard by then. */
const FENCES = Array.from({ length: 8 }, (_, number) => `fence-${number}`);
let fences: string[];

function watchFor(...roots: string[]): void {
  fences = [...FENCES];
  watching.setRoots([...roots, ...FENCES].map((path) => join(root, path)));
}

/** Does something, and gives what is told of it. */
async function toldOf(work: () => void): Promise<readonly string[]> {
  watching.refresh();
  work();
  const fence = fences.shift() ?? "";
  const heard = new Promise<void>((resolve) => {
    wake = () => {
      if (told.at(-1) === fence) resolve();
    };
  });
  write(fence);
  await heard;
  const found = [...new Set(told)].filter((path) => !FENCES.includes(path));
  told.length = 0;
  return found;
}

it("tells which folder or file has changed, also in folders that came later", async () => {
  write("template.yaml");
  watchFor("code", "template.yaml");
  expect(await toldOf(() => write("code/deep/index.mjs"))).toEqual(["code"]);
  expect(await toldOf(() => write("template.yaml"))).toEqual(["template.yaml"]);
  expect(await toldOf(() => write("other.yaml"))).toEqual([]);
  expect(await toldOf(() => mkdirSync(join(root, "code/new")))).toEqual(["code"]);
  expect(await toldOf(() => write("code/new/index.mjs"))).toEqual(["code"]);
});

it("follows a folder that takes the place of another, and one that is removed and made again", async () => {
  mkdirSync(join(root, "next/deep"), { recursive: true });
  watchFor("code");
  const replace = (): void => {
    renameSync(join(root, "code"), join(root, "before"));
    renameSync(join(root, "next"), join(root, "code"));
  };
  expect(await toldOf(replace)).toEqual(["code"]);
  expect(await toldOf(() => write("code/deep/index.mjs"))).toEqual(["code"]);
  expect(await toldOf(() => rmSync(join(root, "code"), { recursive: true }))).toEqual(["code"]);
  expect(await toldOf(() => mkdirSync(join(root, "code")))).toEqual(["code"]);
  expect(await toldOf(() => write("code/index.mjs"))).toEqual(["code"]);
});

it("follows links to folders, and ends where they lead round in a circle", async () => {
  mkdirSync(join(root, "package"));
  symlinkSync(join(root, "package"), join(root, "code/package"));
  symlinkSync("..", join(root, "code/deep/up"));
  watchFor("code");
  expect(await toldOf(() => write("package/index.mjs"))).toEqual(["code"]);
});

it("says nothing of what editors and git do for themselves", async () => {
  mkdirSync(join(root, "code/.git"));
  watchFor("code");
  const work = (): void => {
    for (const name of [".git/index", ".index.mjs.swp", "index.mjs~", "4913", ".#index.mjs", "#index.mjs#"])
      write(`code/${name}`);
  };
  expect(await toldOf(work)).toEqual([]);
});

it("refuses more folders than it may watch", () => {
  const small = new FolderWatch(() => undefined, 2);
  expect(() => small.setRoots([join(root, "code")])).toThrow("too many folders to watch: 2 at most");
  small.close();
});
