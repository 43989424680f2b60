/** Functions that are debugged: no limit of theirs runs, nothing of them is frozen, and clones wait to be told. */
import type { DebugNews, DebugTarget } from "@thaw/server/testing/ports";
import { test } from "vitest";
import { json, WorkerHarness } from "./harness.ts";

const TARGET: DebugTarget = { accountId: "000000000000", region: "us-east-1", functionName: "hello" };
const PORT = 9229;
const DEBUGGED = { environment: { THAW_DEBUG_PORT: String(PORT) } };
const LIMIT_MS = 3000;
const AN_HOUR_MS = 3_600_000;

/** A client that follows the function, with what it was told. */
function follow(harness: WorkerHarness): { readonly told: DebugNews[]; readonly leave: () => void } {
  const stop = new AbortController();
  const news = harness.debugging.begin(TARGET, stop.signal);
  if (news === null) throw new Error("it is debugged already");
  const told: DebugNews[] = [];
  void (async () => {
    for await (const together of news) told.push(...together);
  })();
  return { told, leave: () => stop.abort() };
}

test("no limit runs while the function is debugged; the whole of it begins at the end", async ({ expect }) => {
  const harness = new WorkerHarness({ handle: () => new Promise(() => undefined) });
  const client = follow(harness);
  const invoked = harness.invoke(DEBUGGED);
  let isOver = false;
  void invoked.then(() => {
    isOver = true;
  });
  await harness.clock.advance(AN_HOUR_MS);
  expect(isOver).toBe(false);
  expect(client.told).toMatchObject([{ event: "started", version: "$LATEST" }]);
  client.leave();
  await harness.clock.advance(LIMIT_MS - 1);
  expect(isOver).toBe(false);
  await harness.clock.advance(1);
  expect(await invoked).toMatchObject({ functionError: "Unhandled" });
  await harness.end();
});

test("an Init may take as long as its debugger", async ({ expect }) => {
  const ready = Promise.withResolvers<void>();
  const harness = new WorkerHarness({ init: () => ready.promise, handle: async () => '"ok"' });
  const client = follow(harness);
  const invoked = harness.invokeOk(DEBUGGED);
  await harness.clock.advance(AN_HOUR_MS);
  ready.resolve();
  expect(json(await invoked)).toBe("ok");
  client.leave();
  await harness.end();
});

test("versions without a debugger, and other functions, keep their limits", async ({ expect }) => {
  const harness = new WorkerHarness({ handle: () => new Promise(() => undefined) });
  const client = follow(harness);
  const invokes = [
    harness.invoke({}),
    harness.invoke({ ...DEBUGGED, functionName: "other", runKey: "run-2" }),
    harness.invoke({ ...DEBUGGED, accountId: "111111111111", runKey: "run-3" }),
    harness.invoke({ environment: { THAW_DEBUG_PORT: "65536" }, runKey: "run-4" }),
  ];
  await harness.clock.advance(LIMIT_MS);
  for (const invoked of invokes) expect(await invoked).toMatchObject({ functionError: "Unhandled" });
  expect(client.told).toEqual([]);
  client.leave();
  await harness.end();
});

test("a clone waits before its after-restore hooks until it is told to go on", async ({ expect }) => {
  let hooks = 0;
  const afterRestore = (): void => void hooks++;
  const harness = new WorkerHarness({ hasHooks: true, afterRestore, handle: async () => '"ok"' });
  const { restorable } = await harness.publish(DEBUGGED);
  const client = follow(harness);
  const invoked = harness.invokeOk(restorable);
  await harness.clock.advance(AN_HOUR_MS);
  expect(client.told).toMatchObject([{ event: "restored", version: "1" }]);
  expect(hooks).toBe(0);
  expect(harness.debugging.goOn(TARGET)).toBe(1);
  expect(harness.debugging.goOn(TARGET)).toBe(0);
  expect(json(await invoked)).toBe("ok");
  expect(hooks).toBe(1);
  client.leave();
  expect(harness.debugging.goOn(TARGET)).toBe(null);
  await harness.end();
});

test("a clone goes on when its client leaves, and one that dies while it waits is told", async ({ expect }) => {
  const harness = new WorkerHarness({ handle: async () => '"ok"' });
  const { restorable } = await harness.publish(DEBUGGED);
  const first = follow(harness);
  const invoked = harness.invokeOk(restorable);
  await harness.clock.advance(0);
  first.leave();
  expect(json(await invoked)).toBe("ok");
  await harness.worker.stopEnvironments({});
  const second = follow(harness);
  const lost = harness.invoke(restorable);
  await harness.clock.advance(0);
  for (const sandbox of harness.engine.live) sandbox.die(false);
  await harness.clock.advance(0);
  expect((await lost).kind).not.toBe("response");
  expect(second.told.map(({ event }) => event)).toEqual(["restored", "ended"]);
  second.leave();
  await harness.end();
});

test("an environment that is debugged is not frozen between invokes", async ({ expect }) => {
  const harness = new WorkerHarness({ handle: async () => '"ok"' });
  const freezes = (): number => harness.engine.steps.filter((step) => step.startsWith("freeze")).length;
  const client = follow(harness);
  await harness.invokeOk(DEBUGGED);
  await harness.invokeOk(DEBUGGED);
  expect(freezes()).toBe(0);
  await harness.invokeOk({ runKey: "run-2" });
  expect(freezes()).toBe(1);
  client.leave();
  await harness.end();
});

test("connections lead to the clone that waits, else to the newest environment, and end with the client", async ({
  expect,
}) => {
  const heard: string[] = [];
  const harness = new WorkerHarness({
    init: (process) =>
      process.listen(PORT, async (_path, text) => {
        heard.push(text);
        return 200;
      }),
    handle: async () => '"ok"',
  });
  const { signal } = new AbortController();
  expect(await harness.debugging.connect(TARGET, "a", signal)).toBe(null);
  const client = follow(harness);
  expect(await harness.debugging.connect(TARGET, "a", signal)).toBe(null);
  await harness.invokeOk(DEBUGGED);
  const connection = await harness.debugging.connect(TARGET, "a", signal);
  expect(await harness.debugging.connect(TARGET, "a", signal)).toBe(null);
  expect(harness.debugging.connectionOf(TARGET, "a")).toBe(connection);
  const said = new Promise<string>((resolve) => connection?.once("data", (bytes: Buffer) => resolve(bytes.toString())));
  connection?.write("hello");
  expect(await said).toBe("hello");
  expect(heard).toEqual(["hello"]);
  const closed = new Promise((resolve) => connection?.once("close", resolve));
  client.leave();
  await closed;
  expect(harness.debugging.connectionOf(TARGET, "a")).toBe(null);
  await harness.end();
});

test("one client debugs a function at a time", ({ expect }) => {
  const harness = new WorkerHarness({ handle: async () => '"ok"' });
  const client = follow(harness);
  expect(harness.debugging.begin(TARGET, new AbortController().signal)).toBe(null);
  client.leave();
  follow(harness).leave();
});
