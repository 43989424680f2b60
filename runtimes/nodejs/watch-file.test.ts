/**
 * A restore gives a file another device. Here two file systems play its part: what a watcher would report when a file
 * goes from one to the other goes through the class of real watchers.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const BEFORE = mkdtempSync("/dev/shm/thaw-watch-");
const AFTER = mkdtempSync("/tmp/thaw-watch-");
afterAll(() => {
  for (const folder of [BEFORE, AFTER]) rmSync(folder, { recursive: true });
});

/** Says which of the changes a listener hears. */
const PROGRAM = `
import fs, { watchFile } from "node:fs";
const [before, after] = ${JSON.stringify([BEFORE, AFTER])};
const heard = [];
for (const bigint of [false, true]) {
  let current = "";
  const watcher = watchFile(before, { persistent: false, bigint }, () => heard.push(current + (bigint ? " big" : "")));
  const stat = (path) => fs.statSync(path, { bigint });
  for (const name of ["same", "size", "mode", "time"]) {
    current = name;
    watcher.emit("change", stat(after + "/" + name), stat(before + "/same"));
  }
  current = "own";
  watcher.emit("change", stat(before + "/same"), stat(before + "/same"));
  fs.unwatchFile(before);
}
console.log(JSON.stringify({ heard, name: fs.watchFile.name, length: fs.watchFile.length, same: watchFile === fs.watchFile }));
`;

test("a watcher of fs.watchFile is told of everything but a restore", () => {
  for (const folder of [BEFORE, AFTER])
    for (const name of ["same", "size", "mode", "time"]) {
      writeFileSync(join(folder, name), name === "size" ? "longer" : "1", { mode: name === "mode" ? 0o600 : 0o644 });
      utimesSync(join(folder, name), 5, name === "time" ? 7 : 6);
    }
  expect(statSync(BEFORE).dev).not.toBe(statSync(AFTER).dev);
  const preloaded = join(import.meta.dirname, "watch-file.cts");
  const out = execFileSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--require", preloaded, "--input-type=module", "--eval", PROGRAM],
    { encoding: "utf8" },
  );
  const heard = ["size", "mode", "time", "own"];
  expect(JSON.parse(out)).toEqual({
    heard: [...heard, ...heard.map((name) => `${name} big`)],
    name: "watchFile",
    length: 3,
    same: true,
  });
});
