// alone: takes all that the host gives, and measures that a neighbour goes on in time
/** Functions that take all they can get: each meets its own limit, and the neighbour answers all the while. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { type Invoked, type TestFunctions } from "../support/functions.ts";
import { type Neighbour, type Outcome, program, PROVIDED, withNeighbour } from "./harness.ts";

let functions: TestFunctions;
let neighbour: Neighbour;
withNeighbour((made, other) => {
  functions = made;
  neighbour = other;
});

async function exhaust(what: string, event: Readonly<Record<string, unknown>> = {}): Promise<Invoked> {
  const name = await functions.create(
    { bootstrap: program("exhaust") },
    { ...PROVIDED, MemorySize: what === "processes" ? 1024 : 256, Timeout: 60 },
  );
  const answer = await neighbour.during(functions.invoke(name, { try: what, ...event }));
  await functions.stopEnvironments(name);
  return answer;
}

it.each([
  ["processes", 1024, /EAGAIN/],
  ["threads", 1024, /RuntimeError|EAGAIN/],
  ["descriptors", 1024, /EMFILE/],
  ["disk", 640, /ENOSPC/],
  ["inodes", 3_000_000 - 1, /ENOSPC/],
] as const)("%s end at the function's limit", async (what, max, why) => {
  const { payload } = await exhaust(what);
  const [count, reason] = (payload as { got: [number, string] }).got;
  if (count === 0 || count > max || !why.test(reason)) throw new Error(JSON.stringify(payload));
});

it("limits can't be raised", async ({ expect }) => {
  expect((await exhaust("more_descriptors")).payload).toMatchObject({
    broken: expect.stringContaining("not allowed to raise"),
  });
});

it.each(["memory", "shared_memory", "memory_files"])(
  "%s beyond its size ends the function, and nobody else",
  async (what) => {
    const { payload, functionError } = await exhaust(what);
    if (functionError !== "Unhandled" || (payload as { errorType?: string }).errorType !== "Runtime.OutOfMemory")
      throw new Error(JSON.stringify(payload));
  },
);

it("memory of the kernel is bounded by the function's own size, or by its number of descriptors", async () => {
  const { payload, functionError } = await exhaust("kernel_memory");
  const isBounded =
    functionError === "Unhandled" || (payload as Outcome).got === 400 || (payload as Outcome).refused !== undefined;
  if (!isBounded) throw new Error(JSON.stringify(payload));
});

it("processors: 24 busy processes do not keep the neighbour waiting", async ({ expect }) => {
  expect((await exhaust("cpu", { seconds: 2 })).payload).toEqual({ got: "tired" });
});

describe("what one function does to its address space costs the host nothing", () => {
  const EVENT = { try: "address_space", pieces: 100_000, children: 60 };
  const MIB_MAX = 64;

  function pagerMib(): number {
    const pager = childrenOf(functions.server.pid).find(({ command }) => /^\S*thaw-pager(\s|$)/.test(command));
    const status = readFileSync(`/proc/${pager?.pid ?? 0}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  it.each(["fresh", "clone"])("%s", async (kind) => {
    const name = await functions.createSnapStart({ bootstrap: program("exhaust") }, { ...PROVIDED, Timeout: 60 });
    const version = kind === "clone" ? await functions.publish(name) : undefined;
    const beforeMib = pagerMib();
    const answer = await neighbour.during(functions.invoke(name, EVENT, version));
    const grownMib = pagerMib() - beforeMib;
    await functions.stopEnvironments(name);
    if (grownMib > MIB_MAX) throw new Error(`the pager grew by ${Math.round(grownMib)} MiB`);
    if (JSON.stringify(answer.payload) !== JSON.stringify({ got: [EVENT.pieces, EVENT.children] }))
      throw new Error(JSON.stringify(answer.payload));
  });
});

/** How long its program counts within an invoke (programs/exhaust.py), and how long it has between two. */
const COUNTED_MS = 300;
const BETWEEN_MS = 4000;

it("nothing runs between invokes", async ({ expect }) => {
  const name = await functions.create({ bootstrap: program("exhaust") }, PROVIDED);
  const [first = 0, last = 0] = (
    (await functions.invoke(name, { try: "work_between_invokes" })).payload as { got: number[] }
  ).got;
  expect(last).toBeGreaterThan(first);
  for (const startMs = performance.now(); performance.now() - startMs < BETWEEN_MS; ) await neighbour.check();
  const [next = 0] = ((await functions.invoke(name, { try: "work_between_invokes" })).payload as { got: number[] }).got;
  // It ran on for the moments until the freeze and after the thaw, not for the time between.
  expect(next - last).toBeLessThan((last - first) * (BETWEEN_MS / COUNTED_MS / 4));
});
