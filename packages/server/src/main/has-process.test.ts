import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { hasProcess } from "./has-process.ts";

/** Becomes itself again and again, then waits. */
const BECOMING = 'n=$1; [ "$n" -eq 0 ] && { echo done; read -r _; exit; }; exec sh -c "$0" "$0" $((n - 1))';

test("a process that becomes another program runs all the time", async () => {
  const child = spawn("sh", ["-c", BECOMING, BECOMING, "300"], { stdio: ["pipe", "pipe", "inherit"] });
  let isDone = false;
  const done = once(child.stdout, "data").then(() => (isDone = true));
  const seen = new Set<boolean>();
  while (!isDone) {
    for (let i = 0; i < 100; i++) seen.add(hasProcess(String(child.pid)));
    await new Promise(setImmediate);
  }
  await done;
  child.stdin.end("\n");
  await once(child, "exit");
  expect([...seen]).toEqual([true]);
  expect(hasProcess(String(child.pid))).toBe(false);
});

test("one that has ended does not, also while nobody has waited for it", async () => {
  // The shell becomes a program that waits for no child.
  const parent = spawn("sh", ["-c", "sh -c 'echo $$' & exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = line.toString().trim();
  while (hasProcess(pid)) await new Promise(setImmediate);
  process.kill(Number(pid), 0);
  parent.stdin.end();
  await once(parent, "exit");
});
