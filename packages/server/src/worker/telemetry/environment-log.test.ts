import { it } from "vitest";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { LogStore } from "../../ports/log-store.ts";
import { EnvironmentLog, type EnvironmentLogOptions, MESSAGE_SIZE_BYTES_MAX } from "./environment-log.ts";
import { RecordReader } from "./record-reader.ts";

function frame(message: string, type = 0xa55a0017): Buffer {
  const bytes = Buffer.from(message);
  const header = Buffer.alloc(16);
  header.writeUInt32BE(type, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

function openLog(changes: Partial<EnvironmentLogOptions> = {}): {
  readonly log: EnvironmentLog;
  readonly messages: readonly string[];
  readonly write: (...parts: readonly Buffer[]) => void;
} {
  const messages: string[] = [];
  const logs: LogStore = {
    append: (_group, _stream, _time, message) => messages.push(message),
    read: () => {
      throw new Error("not read");
    },
    has: () => Promise.resolve(true),
    followWritten: () => null,
    close: () => Promise.resolve(),
  };
  const log = new EnvironmentLog({
    logs,
    clock: new FakeClock(),
    logGroupArn: "g",
    logStream: "s",
    format: "Text",
    systemLogLevel: null,
    applicationLogLevel: null,
    observer: { platform: () => undefined, line: () => undefined },
    phaseSizeBytesMax: 1024 * 1024,
    ...changes,
  });
  const reader = new RecordReader();
  const write = (...parts: readonly Buffer[]): void => {
    for (const part of parts) for (const piece of reader.push(part)) log.writeRecord("runtime", piece);
  };
  return { log, messages, write };
}

it("makes an event of each record, and of each printed line", ({ expect }) => {
  const { log, messages, write } = openLog();
  write(frame("first\nsecond\nthird"), frame("alone\n"), frame(""));
  log.writeOutput("runtime", "stdout", Buffer.from("one\ntwo\n"));
  expect(messages).toEqual(["first\nsecond\nthird", "alone", "", "one", "two"]);
});

it("gives LogResult's tail in lines", ({ expect }) => {
  const { log, write } = openLog();
  log.beginTail();
  write(frame("[ERROR] ValueError: no\nTraceback:\n  File"), frame("next\n"));
  expect(log.takeTail()?.toString()).toBe("[ERROR] ValueError: no\nTraceback:\n  File\nnext\n");
});

it("ends the text between records where the next record begins", ({ expect }) => {
  const { messages, write } = openLog();
  write(Buffer.from("of a child"), frame("record"));
  expect(messages).toEqual(["of a child", "record"]);
});

it("cuts an endless record as it cuts an endless line, and keeps the phase's budget", ({ expect }) => {
  const { log, messages, write } = openLog();
  write(frame("x".repeat(3 * 1024 * 1024)), frame("after"));
  expect(messages.map((message) => message.length)).toEqual(Array.from({ length: 4 }, () => MESSAGE_SIZE_BYTES_MAX));
  log.beginPhase();
  write(frame("next phase"));
  expect(messages.slice(4)).toEqual([
    "[thaw] 2097189 bytes of output were dropped: more than 1048576 bytes in one phase.",
    "next phase",
  ]);
});

it("counts the headers, so that there is no end to records without a message but the budget's", ({ expect }) => {
  const { log, messages, write } = openLog({ phaseSizeBytesMax: 100 });
  for (let count = 0; count < 1000; count++) write(frame(""));
  expect(messages).toEqual(Array.from({ length: 6 }, () => ""));
  log.flushOutput();
  expect(messages.at(-1)).toMatch(/^\[thaw\] \d+ bytes of output were dropped/);
});

it("writes at the end of a phase what has come of a record, and goes on with its rest", ({ expect }) => {
  const { log, messages, write } = openLog();
  const whole = frame("half and half");
  write(whole.subarray(0, 20));
  log.beginPhase();
  write(whole.subarray(20), frame("next"));
  expect(messages).toEqual(["half", " and half", "next"]);
});

it("leaves out messages below the level, whether they were printed or recorded", ({ expect }) => {
  const { log, messages, write } = openLog({ format: "JSON", applicationLogLevel: "WARN" });
  const time = '"timestamp":"2026-11-29T00:00:00Z"';
  log.writeOutput("runtime", "stdout", Buffer.from(`{"level":"info",${time}}\n{"level":"warn",${time}}\ntext\n`));
  write(frame('{"message":"debug"}', 0xa55a000a), frame('{"message":"error"}', 0xa55a0016));
  expect(messages).toEqual([`{"level":"warn",${time}}`, "text", '{"message":"error"}']);
});
