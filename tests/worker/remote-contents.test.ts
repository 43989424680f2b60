/** Packages reach a worker on another host when they are needed there, before anything is run. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newSnapshotId } from "@thaw/server/testing/base";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import type { RunnableVersion } from "@thaw/server/testing/ports";
import { createWorkerContents } from "@thaw/server/testing/remote-worker";
import { type CodeDirectory, openCodeDirectory } from "@thaw/server/testing/store";
import { WorkerHarness } from "./harness.ts";
import { remote, type RemoteHost } from "./remote.ts";
import { zipOf } from "./zip.ts";

/** Of the server, and of the worker. */
let hereDir = "";
let thereDir = "";
let here: CodeDirectory;
let harness: WorkerHarness;
let host: RemoteHost;
/** Packages that were asked for, to be sent. */
let asked: string[] = [];
/** What the worker's directory had whenever the function ran. */
let seen: string[] = [];

const looking: FakeFunction = {
  init: () => void seen.push(...readdirSync(join(thereDir, "code")).toSorted()),
  handle: () => "null",
};

async function reach(): Promise<void> {
  const there = await openCodeDirectory(thereDir, async () => undefined);
  host = await remote(harness.worker, {
    contents: createWorkerContents(thereDir, there),
    packages: {
      readZip: (codeName) => {
        asked.push(codeName);
        return here.readZip(codeName);
      },
    },
  });
}

beforeEach(async () => {
  asked = [];
  seen = [];
  hereDir = mkdtempSync(join(tmpdir(), "thaw-here-"));
  thereDir = mkdtempSync(join(tmpdir(), "thaw-there-"));
  here = await openCodeDirectory(hereDir, async () => undefined);
});

afterEach(async () => {
  await host.end();
  await harness.end();
  for (const dir of [hereDir, thereDir]) rmSync(dir, { recursive: true });
});

async function begin(codeName: string, run: FakeFunction = looking): Promise<void> {
  harness = new WorkerHarness({}, { functions: { [codeName]: run } });
  await reach();
}

async function packaged(text: string, by: Pick<CodeDirectory, "unpack"> = here): Promise<string> {
  return (await by.unpack(await zipOf(text))).codeName;
}

function invoke(changes: Partial<RunnableVersion>): ReturnType<typeof host.worker.invoke> {
  return host.worker.invoke(harness.version(changes), harness.input());
}

test("a package and its layers are brought once, before the function is run", async () => {
  const codeName = await packaged("code");
  const layers = [await packaged("lower"), await packaged("upper", here.of("111122223333"))];
  const optName = `opt-${"a".repeat(40)}`;
  await begin(codeName);
  const version = { codeName, optName, layerNames: layers };
  expect(await invoke(version)).toMatchObject({ kind: "response", functionError: null });
  expect(seen).toEqual([codeName, ...layers].toSorted());
  expect(readFileSync(join(thereDir, "code", codeName, "app.txt"), "utf8")).toBe("code");
  expect(readFileSync(join(thereDir, "opt", optName, "app.txt"), "utf8")).toBe("upper");
  expect(await invoke(version)).toMatchObject({ kind: "response" });
  expect(asked.toSorted()).toEqual([codeName, ...layers].toSorted());
  // The same layers with another one between them, of which all but that are there.
  const more = { ...version, runKey: "run-2", optName: `opt-${"b".repeat(40)}`, layerNames: layers.slice(0, 1) };
  expect(await invoke(more)).toMatchObject({ kind: "response" });
  expect(readFileSync(join(thereDir, "opt", more.optName, "app.txt"), "utf8")).toBe("lower");
  expect(asked).toHaveLength(3);
});

test("many invokes at the same time wait for one package", async () => {
  const codeName = await packaged("code");
  await begin(codeName);
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => invoke({ codeName })));
  expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => "response"));
  expect(asked).toEqual([codeName]);
});

test("it is brought for a snapshot, and for what is provisioned", async () => {
  const [one, other] = [await packaged("one"), await packaged("other")];
  harness = new WorkerHarness({}, { functions: { [one]: looking, [other]: looking } });
  await reach();
  const version = harness.version({ codeName: one, version: "1", runKey: "run-v1" });
  const { signal } = new AbortController();
  expect(await host.worker.createSnapshot(version, newSnapshotId(), signal)).toMatchObject({ kind: "ready" });
  expect(seen).toEqual([one]);
  await host.worker.provision([{ version: harness.version({ codeName: other }), count: 1 }]);
  await harness.clock.advance(0);
  expect(seen).toEqual([one, ...[one, other].toSorted()]);
  expect(asked).toEqual([one, other]);
});

test("a worker that started anew has what it had", async () => {
  const codeName = await packaged("code");
  await begin(codeName);
  await invoke({ codeName });
  await host.end();
  await reach();
  expect(await invoke({ codeName })).toMatchObject({ kind: "response" });
  expect(asked).toEqual([codeName]);
});

test("a package may be larger than any other call", { timeout: 120_000 }, async () => {
  const text = "x".repeat(70 * 2 ** 20);
  const codeName = (await here.unpack(await zipOf(text))).codeName;
  await begin(codeName);
  expect(await invoke({ codeName })).toMatchObject({ kind: "response" });
  expect(readFileSync(join(thereDir, "code", codeName, "app.txt"))).toHaveLength(text.length);
});

describe("what can't be brought", () => {
  test("is refused with a sentence, and nothing is run", async () => {
    const codeName = `image-${"0".repeat(40)}`;
    await begin(codeName);
    expect(await invoke({ codeName })).toEqual({
      kind: "platform-error",
      code: "WORKER_CONTENT_MISSING",
      message: `The worker on another host lacks the function's code ${codeName}, and there is no package of it to send: container images run on the server's own host.`,
    });
    expect(seen).toEqual([]);
  });

  test("leaves nothing where it is broken, or has a name that is none", async () => {
    const codeName = `code-${"0".repeat(40)}`;
    await begin(codeName);
    const there = await openCodeDirectory(thereDir, async () => undefined);
    const contents = createWorkerContents(thereDir, there);
    await expect(contents.bring(codeName, Buffer.from("no zip"))).rejects.toThrow();
    for (const name of ["../code-0", "code-x", `${codeName}/a`, "", `opt-${"0".repeat(40)}`])
      await expect(contents.bring(name, await zipOf("a"))).rejects.toThrow(`can't have the name ${name}`);
    expect(readdirSync(join(thereDir, "code"))).toEqual([]);
    expect(existsSync(join(thereDir, "packages", `${codeName}.zip`))).toBe(false);
    expect(await contents.prepare({ codeName, optName: null, layerNames: [] })).toEqual([codeName]);
  });
});
