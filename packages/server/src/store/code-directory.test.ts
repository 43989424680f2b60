/** What becomes of contents that nothing names, while the server runs and after a crash. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ZipFile } from "yazl";
import { optNameOf } from "../model/layer-record.ts";
import { type CodeDirectory, openCodeDirectory } from "./code-directory.ts";

let dir: string;
let code: CodeDirectory;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "thaw-code-"));
  code = await openCodeDirectory(dir, async () => undefined);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function unpack(text: string, by: Pick<CodeDirectory, "unpack"> = code): Promise<string> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(text), "file", { mtime: new Date(0) });
  zip.end();
  return (await by.unpack(await buffer(zip.outputStream))).codeName;
}

const shown = (): readonly string[] =>
  ["code", "opt", "images", "packages"].flatMap((each) =>
    readdirSync(join(dir, each)).map((name) => `${each}/${name}`),
  );

/** Removes what is unnamed. Twice: what was brought since the last time stays the first time. */
async function removeUnnamed(named: readonly string[], run: readonly string[] = []): Promise<number> {
  const look = async () => ({ named: new Set(named), run: new Set(run) });
  await code.removeUnnamed(look);
  return code.removeUnnamed(look);
}

it("goes with its zip, what is merged by itself; what is named or run stays", async () => {
  const [named, run, unnamed] = [await unpack("named"), await unpack("run"), await unpack("unnamed")];
  const ofAnother = await unpack("named", code.of("222222222222"));
  const optName = optNameOf([{ codeName: named }, { codeName: run }]) ?? "";
  await code.merge(optName, [named, run]);
  expect(await removeUnnamed([named, ofAnother], [run, optName])).toBe(2);
  expect(shown()).toEqual([
    ...[named, run, ofAnother].toSorted().map((name) => `code/${name}`),
    `opt/${optName}`,
    ...[named, run, ofAnother].toSorted().map((name) => `packages/${name}.zip`),
  ]);
  expect(shown().join()).not.toContain(unnamed);
  expect(await removeUnnamed([])).toBe(0);
  expect(shown()).toEqual([]);
});

it("stays while it is held, and is there for whoever brings it while it is being removed", async () => {
  const look = async () => ({ named: new Set<string>(), run: new Set<string>() });
  const other = await unpack("other");
  await code.removeUnnamed(look);
  let release = (): void => undefined;
  const held = code.hold(async () => {
    const name = await unpack("held");
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return name;
  });
  await expect.poll(() => shown().filter((path) => path.startsWith("code/code-")).length, { timeout: 20_000 }).toBe(2);
  let hasEnded = false;
  const removed = code.removeUnnamed(look).finally(() => {
    hasEnded = true;
  });
  await unpack("other");
  expect(hasEnded).toBe(false);
  release();
  const name = await held;
  // Both were brought lately: one before this sweep, the other one beside it.
  expect(await removed).toBe(2);
  expect(await code.removeUnnamed(look)).toBe(1);
  expect(existsSync(join(dir, "code", name))).toBe(false);
  expect(shown()).toEqual([`code/${other}`, `packages/${other}.zip`]);
  // Removals and requests side by side: after each request its content is there.
  for (let round = 0; round < 20; round++) {
    const sweeping = code.removeUnnamed(look);
    const again = await unpack("held");
    expect(existsSync(join(dir, "code", again, "file"))).toBe(true);
    await sweeping;
    expect(existsSync(join(dir, "code", again, "file"))).toBe(true);
    await code.removeUnnamed(look);
  }
});

it("is gone after a crash between any two steps of its removal, and can be brought again", async () => {
  // As a removal leaves it: the name taken away, the content half removed, the zip there without its code.
  const name = await unpack("half");
  rmSync(join(dir, "code", name), { recursive: true });
  mkdirSync(join(dir, "code/.partial-abcdef", name), { recursive: true });
  writeFileSync(join(dir, "code/.partial-abcdef", name, "rest"), "");
  const started = await openCodeDirectory(dir, async () => undefined);
  await started.sweep(async () => new Set());
  expect(shown()).toEqual([]);
  code = started;
  expect(await unpack("half")).toBe(name);
  expect(shown()).toEqual([`code/${name}`, `packages/${name}.zip`]);
  // What another request is unpacking at this moment is no content yet.
  mkdirSync(join(dir, "images/.partial-ghijkl"));
  rmSync(join(dir, "code", name), { recursive: true });
  expect(await removeUnnamed([])).toBe(0);
  expect(shown()).toEqual(["images/.partial-ghijkl"]);
});
