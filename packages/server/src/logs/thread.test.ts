import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { LogGroups } from "../ports/log-groups.ts";
import type { LogStore } from "../ports/log-store.ts";
import { openDiskLogStore } from "./disk-log-store.ts";

const GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f";
const STREAM = "2026/11/29/[1]0123";

let directory: string;
let clock: FakeClock;
let store: LogStore & LogGroups;
let problems: string[];
let threads: Worker[];
const noteThread = (thread: Worker): void => void threads.push(thread);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "thaw-logs-"));
  clock = new FakeClock();
  problems = [];
  threads = [];
  process.on("worker", noteThread);
  store = await openDiskLogStore({
    path: join(directory, "logs.db"),
    clock,
    limits: { groupBytesMax: 2 ** 30, totalBytesMax: 2 ** 30 },
    onProblem: (error) => void problems.push(error instanceof Error ? error.message : String(error)),
  });
});

afterEach(async () => {
  process.off("worker", noteThread);
  await store.close();
  rmSync(directory, { recursive: true });
});

const write = (message: string): void => store.append(GROUP, STREAM, clock.nowMs(), message, "function");

async function read(): Promise<readonly string[]> {
  const messages: string[] = [];
  for await (const events of store.read(GROUP, {})) messages.push(...events.map(({ message }) => message));
  return messages;
}

/**
 * Ends the thread while it has this event and a question. Resolves when both have been answered: the question by the
 * thread, where it was fast enough, or by its end.
 */
async function endWith(message: string): Promise<void> {
  write(message);
  const asked = store.findGroup(GROUP);
  const ended = threads.at(-1)?.terminate();
  const refusal = await asked.then(
    () => null,
    (error: Error) => error.message,
  );
  expect([null, "the thread of the logs has ended"]).toContain(refusal);
  await ended;
}

it("is begun anew where it has ended, and what was not written is told", async () => {
  write("before");
  expect(await read()).toEqual(["before"]);
  await clock.advance(1000);
  await endWith("meanwhile");
  write("after");
  const messages = await read();
  expect(threads).toHaveLength(2);
  expect(messages).toEqual(expect.arrayContaining(["before", "after"]));
  // One that was written while its thread ended is told as well, if nobody heard of it.
  expect(messages.filter((each) => each === "meanwhile" || each.includes("1 log events were lost"))).not.toEqual([]);
});

it("that ends at once is not begun again before a second has passed, by whatever clock", async () => {
  await clock.advance(1000);
  await endWith("first");
  write("second");
  await read();
  await endWith("third");
  // Of the third life; the second has just begun.
  clock.setBy(-3_600_000);
  write("fourth");
  await expect(read()).rejects.toThrow("the thread of the logs has ended");
  expect(threads).toHaveLength(2);
  await clock.advance(1000);
  write("fifth");
  const messages = await read();
  expect(threads).toHaveLength(3);
  expect(messages).toContain("fifth");
  const lost = messages.find((each) => each.startsWith("[thaw] "));
  expect(new Set(problems)).toEqual(new Set(["the thread of the logs has ended"]));
  expect(lost).toMatch(/^\[thaw\] [1-4] log events were lost/);
});
