// alone: takes all that the host gives, and measures that a neighbour goes on in time
/**
 * Functions that take all they can get, from a fresh environment and from a clone: each meets its own limit, the
 * neighbour answers all the while, and what Thaw's own processes use on the host does not grow.
 */
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

type Kind = "fresh" | "clone";
const KINDS: readonly Kind[] = ["fresh", "clone"];
/** Growth of the most memory that sandboxd and the pager, which serve all, have used. */
const MIB_MAX = 64;

/** How long its program counts within an invoke (programs/exhaust.py), and how long it has between two. */
const COUNTED_MS = 300;
const BETWEEN_MS = 4000;

function ownMib(): number {
  const own = childrenOf(functions.server.pid).filter(({ command }) =>
    /^\S*thaw-(?:sandboxd serve|pager(?:\s|$))/.test(command),
  );
  return own.reduce((sum, { pid }) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return sum + Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }, 0);
}

async function exhaust(kind: Kind, what: string, event: Readonly<Record<string, unknown>> = {}): Promise<Invoked> {
  const name = await functions.createSnapStart(
    { bootstrap: program("exhaust") },
    { ...PROVIDED, MemorySize: what === "processes" ? 1024 : 256, Timeout: 200 },
  );
  const version = kind === "clone" ? await functions.publish(name) : undefined;
  const beforeMib = ownMib();
  const answer = await neighbour.during(functions.invoke(name, { try: what, ...event }, version));
  const grownMib = ownMib() - beforeMib;
  await functions.stopEnvironments(name);
  if (grownMib > MIB_MAX) throw new Error(`sandboxd and the pager grew by ${Math.round(grownMib)} MiB`);
  return answer;
}

describe.each(KINDS)("%s", (kind) => {
  it.each([
    ["processes", 1024, /EAGAIN/],
    ["threads", 1024, /RuntimeError|EAGAIN/],
    ["descriptors", 1024, /EMFILE/],
    ["disk", 640, /ENOSPC/],
    ["inodes", 3_000_000 - 1, /ENOSPC/],
  ] as const)("%s end at the function's limit", async (what, max, why) => {
    const { payload } = await exhaust(kind, what);
    const [count, reason] = (payload as { got: [number, string] }).got;
    if (count === 0 || count > max || !why.test(reason)) throw new Error(JSON.stringify(payload));
  });

  it("limits can't be raised", async ({ expect }) => {
    expect((await exhaust(kind, "more_descriptors")).payload).toMatchObject({
      broken: expect.stringContaining("not allowed to raise"),
    });
  });

  it.each(["memory", "shared_memory", "memory_files"])(
    "%s beyond its size ends the function, and nobody else",
    async (what) => {
      const { payload, functionError } = await exhaust(kind, what);
      if (functionError !== "Unhandled" || (payload as { errorType?: string }).errorType !== "Runtime.OutOfMemory")
        throw new Error(JSON.stringify(payload));
    },
  );

  it("memory of the kernel is bounded by the function's own size, or by its number of descriptors", async () => {
    const { payload, functionError } = await exhaust(kind, "kernel_memory");
    const isBounded =
      functionError === "Unhandled" || (payload as Outcome).got === 400 || (payload as Outcome).refused !== undefined;
    if (!isBounded) throw new Error(JSON.stringify(payload));
  });

  it("processors: 24 busy processes do not keep the neighbour waiting", async ({ expect }) => {
    expect((await exhaust(kind, "cpu", { seconds: 2 })).payload).toEqual({ got: "tired" });
  });

  it("what it does to its address space costs the host nothing", async () => {
    const event = { pieces: 100_000, children: 60 };
    const { payload } = await exhaust(kind, "address_space", event);
    if (JSON.stringify(payload) !== JSON.stringify({ got: [event.pieces, event.children] }))
      throw new Error(JSON.stringify(payload));
  });

  it("nothing runs between invokes", async ({ expect }) => {
    const name = await functions.createSnapStart({ bootstrap: program("exhaust") }, PROVIDED);
    const version = kind === "clone" ? await functions.publish(name) : undefined;
    const count = async (): Promise<number[]> =>
      ((await functions.invoke(name, { try: "work_between_invokes" }, version)).payload as { got: number[] }).got;
    const [first = 0, last = 0] = await count();
    expect(last).toBeGreaterThan(first);
    for (const startMs = performance.now(); performance.now() - startMs < BETWEEN_MS; ) await neighbour.check();
    const [next = 0] = await count();
    // It ran on for the moments until the freeze and after the thaw, not for the time between.
    expect(next - last).toBeLessThan((last - first) * (BETWEEN_MS / COUNTED_MS / 4));
  });
});
