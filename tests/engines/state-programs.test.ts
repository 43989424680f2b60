/**
 * One suite for every engine, with CRIU's idea of state programs: each prepares a state at Init, is snapshotted,
 * restored twice at once, and checks itself. On an engine without snapshots the same programs check themselves in two
 * environments at once.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type Files, TestFunctions } from "../support/functions.ts";

const PROGRAMS = join(REPOSITORY, "tests/engines/programs");
const HAS_GO = spawnSync("go", ["version"]).status === 0;
const STATES = [
  "timers",
  "threads",
  "pipes",
  "unix_sockets",
  "tcp_call_in_flight",
  "temp_files",
  "unlinked_file",
  "child_processes",
  "shared_memory",
  "many_files",
  "wall_clock_timers",
  "watches",
  "locks",
  "hard_links",
  "file_identity",
];

describe.each(["criu", "process"] as const)("engine %s", (engine) => {
  let server: ThawServer;
  let functions: TestFunctions;

  beforeAll(async () => {
    server = await startThaw({ args: ["--engine", engine] });
    functions = new TestFunctions(server);
  });

  afterAll(() => server?.remove());

  /** Two environments at once; each says what it found. */
  async function checkTwice(files: Files): Promise<unknown[]> {
    const options = { Runtime: "provided.al2023" as const, Handler: "x", MemorySize: 256 };
    const isSnapshot = engine === "criu";
    const name = isSnapshot ? await functions.createSnapStart(files, options) : await functions.create(files, options);
    const qualifier = isSnapshot ? await functions.publish(name) : "$LATEST";
    const invoke = (): ReturnType<typeof functions.invoke> =>
      functions
        .invoke(name, {}, qualifier)
        .catch((cause: unknown) => Promise.reject(new Error(server.output().slice(-2000), { cause })));
    const both = await Promise.all([invoke(), invoke()]);
    for (const each of both)
      if (isSnapshot && !each.log.includes("Restore Duration")) throw new Error(`not a restored clone: ${each.log}`);
    await functions.stopEnvironments(name);
    return both.map((each) => each.payload);
  }

  it.each(STATES)("%s", async (state) => {
    const bootstrap = `${readFileSync(join(PROGRAMS, "runtime.py"), "utf8")}\n${readFileSync(join(PROGRAMS, `${state}.py`), "utf8")}\nserve(check)\n`;
    const found = await checkTwice({ bootstrap });
    if (JSON.stringify(found) !== '["ok","ok"]') throw new Error(JSON.stringify(found));
  });

  it.skipIf(!HAS_GO)("a Go program (skipped where Go is not installed)", async ({ expect }) => {
    const dir = mkdtempSync(join(tmpdir(), "thaw-go-"));
    try {
      execFileSync("go", ["build", "-o", join(dir, "bootstrap"), join(PROGRAMS, "goroutines.go")], {
        env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GO111MODULE: "off" },
      });
      expect(await checkTwice({ bootstrap: readFileSync(join(dir, "bootstrap")) })).toEqual(["ok", "ok"]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("shows nothing of the host, and gives no rights", async ({ expect }) => {
    const bootstrap = `${readFileSync(join(PROGRAMS, "runtime.py"), "utf8")}\n${readFileSync(join(PROGRAMS, "confinement.py"), "utf8")}\nserve(check)\n`;
    expect(await checkTwice({ bootstrap })).toEqual(["ok", "ok"]);
  });
});
