/**
 * A server process that was taken over. Its user owns the data directory, in which root works: with links in the place
 * of files and directories it tries to have root write, rename, remove, or give away what is not the server's.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, onTestFinished } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";

const SERVER_UID = "64321";
const AS_SERVER = ["--reuid", SERVER_UID, "--regid", SERVER_UID, "--clear-groups", "--no-new-privs", "python3"];
/** Others than root may not reach the Python that is first in root's own path. */
const ENV = { PATH: "/usr/bin:/bin" };
const PROGRAM = readFileSync(join(REPOSITORY, "tests/adversary/server_user.py"), "utf8");
const CODE = { "index.mjs": 'export const handler = async () => "ok";\n' };

/** A directory of root's, and what is in it. */
class Target {
  readonly path = mkdtempSync(join(tmpdir(), "thaw-target-"));
  readonly before: unknown;

  constructor() {
    chmodSync(this.path, 0o755);
    writeFileSync(join(this.path, "theirs"), "theirs");
    // So old that a sweep of drafts would take it for one that was left behind.
    writeFileSync(join(this.path, "old"), "old");
    utimesSync(join(this.path, "old"), 1, 1);
    this.before = this.state();
    onTestFinished(() => rmSync(this.path, { recursive: true }));
  }

  state(): unknown {
    const describe = (path: string): unknown => {
      const { uid, gid, mode, size, nlink, mtimeMs } = lstatSync(path);
      return { path, uid, gid, mode, nlink, ...(lstatSync(path).isFile() ? { size, mtimeMs } : {}) };
    };
    return [describe(this.path), ...readdirSync(this.path).map((name) => describe(join(this.path, name)))];
  }
}

/** The program comes over the command line: the checkout may be closed to this user. */
function swap(how: "drafts" | "tops", server: ThawServer, target: Target): void {
  const done = spawnSync("setpriv", [...AS_SERVER, "-c", PROGRAM, how, server.dataDir, target.path], {
    encoding: "utf8",
    env: ENV,
  });
  if (done.status !== 0) throw new Error(done.stderr);
}

async function start(): Promise<{ server: ThawServer; functions: TestFunctions; name: string; version: string }> {
  const server = await startThaw({ args: ["--parked-clones", "0"] });
  onTestFinished(() => server.remove());
  const functions = new TestFunctions(server);
  const name = await functions.createSnapStart(CODE);
  return { server, functions, name, version: await functions.publish(name) };
}

describe("links in the data directory", () => {
  it("in the place of drafts and of groups of chunks: nothing of root's is written, and clones go on", async ({
    expect,
  }) => {
    const { server, functions, name, version } = await start();
    const target = new Target();
    swap("drafts", server, target);
    // Each records a working set; then the chunks are laid out by it.
    for (let cold = 0; cold < 4; cold++) {
      await functions.stopEnvironments(name);
      expect((await functions.invoke(name, {}, version)).payload).toBe("ok");
    }
    await functions.publish(await functions.createSnapStart(CODE)).catch(() => undefined);
    expect(target.state()).toEqual(target.before);
  });

  it("in the place of the directories that root opens at its start: the start is refused", async ({ expect }) => {
    const { server } = await start();
    const target = new Target();
    await server.stop();
    swap("tops", server, target);
    await expect(startThaw({ previous: server })).rejects.toThrow(/can't be used: .*Move it away, and start again/);
    expect(target.state()).toEqual(target.before);
  });

  it("in the place of the data directory itself, or above it: the start is refused", async ({ expect }) => {
    const target = new Target();
    const parent = mkdtempSync(join(tmpdir(), "thaw-parent-"));
    onTestFinished(() => rmSync(parent, { recursive: true }));
    chmodSync(parent, 0o755);
    symlinkSync(target.path, join(parent, "data"));
    lchownSync(join(parent, "data"), Number(SERVER_UID), Number(SERVER_UID));
    const startOn = (dataDir: string): Promise<ThawServer> => startThaw({ previous: { dataDir, env: {} } });
    await expect(startOn(join(parent, "data"))).rejects.toThrow(/data belongs to the server's user 64321/);
    chownSync(parent, Number(SERVER_UID), Number(SERVER_UID));
    await expect(startOn(join(parent, "other"))).rejects.toThrow(/thaw-parent-\w+ belongs to the server's user 64321/);
    expect(target.state()).toEqual(target.before);
  });
});
