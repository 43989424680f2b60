import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { expect, it, onTestFinished, vi } from "vitest";
import { isRunning } from "./processes.ts";

/** Runs a program of Python's; it prints a pid, and ends when its standard input does. */
async function begin(program: string): Promise<{ child: ChildProcessByStdio<Writable, Readable, null>; pid: number }> {
  const child = spawn("python3", ["-c", program], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, pid: Number(line) };
}

const stateOf = (pid: number): string | undefined => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];

it("a process that nobody waits for does not run when it has ended", async () => {
  const { child, pid } = await begin(
    "import subprocess, sys; ended = subprocess.Popen(['true']); print(ended.pid, flush=True); sys.stdin.read()",
  );
  await vi.waitUntil(() => stateOf(pid) === "Z", 10_000);
  expect([existsSync(`/proc/${pid}`), isRunning(pid), isRunning(child.pid ?? 0)]).toEqual([true, false, true]);
});

it("a process runs as long as one of its threads does", async () => {
  const { child, pid } = await begin(`
import ctypes, os, threading
threading.Thread(target=lambda: os.read(0, 1)).start()
print(os.getpid(), flush=True)
ctypes.CDLL(None).pthread_exit(None)`);
  await vi.waitUntil(() => stateOf(pid) === "Z", 10_000);
  expect(isRunning(pid)).toBe(true);
  const ended = once(child, "exit");
  child.stdin.end();
  await ended;
  expect(isRunning(pid)).toBe(false);
});
