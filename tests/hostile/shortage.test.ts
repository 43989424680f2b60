// alone: takes processes away from its own sandboxd
/**
 * A host that is short of processes: requests fail that need one, and nothing else. And what functions may have of
 * them, all together.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { pidOf, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { Neighbour, type Outcome, program, PROVIDED } from "./harness.ts";

const CONTROLLER = existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
const GROUP = join(CONTROLLER, `test-shortage-${process.pid}`);
const OOM_SCORE_ADJ = 500;

let server: ThawServer;
let functions: TestFunctions;
let neighbour: Neighbour;
let sandboxd: number;

beforeAll(async () => {
  server = await startThaw({ args: ["--pool", "0", "--parked-clones", "0"] });
  functions = new TestFunctions(server);
  neighbour = await new Neighbour(functions).start();
  sandboxd = pidOf(server.pid, "sandboxd") ?? 0;
});

afterAll(async () => {
  await server.remove();
  if (existsSync(GROUP)) rmdirSync(GROUP);
});

it.each(["$LATEST", "1"])("no room for a process fails the one invoke that needs it (%s)", async (qualifier) => {
  const name = await functions.createSnapStart({ bootstrap: program("exhaust") }, PROVIDED);
  const version = qualifier === "1" ? await functions.publish(name) : qualifier;
  await functions.stopEnvironments(name);
  if (!existsSync(GROUP)) mkdirSync(GROUP);
  writeFileSync(join(GROUP, "cgroup.procs"), String(sandboxd));
  try {
    await invokeWithoutRoom(name, version);
  } finally {
    writeFileSync(join(GROUP, "pids.max"), "max");
  }
  if (pidOf(server.pid, "sandboxd") !== sandboxd) throw new Error("sandboxd is another one");
  const { payload } = await functions.invoke(name, { try: "oom_score_adj" }, version);
  if ((payload as Outcome).got !== OOM_SCORE_ADJ) throw new Error(JSON.stringify(payload));
  await neighbour.check();
});

/** From no room to some: another step of an invoke finds none each time. */
async function invokeWithoutRoom(name: string, version: string): Promise<void> {
  for (let room = 0; room < 6; room++) {
    const used = Number(readFileSync(join(GROUP, "pids.current"), "utf8"));
    writeFileSync(join(GROUP, "pids.max"), String(used + room));
    const { errorName } = await functions.invoke(name, { try: "oom_score_adj" }, version).then(
      () => ({ errorName: "" }),
      (error: unknown) => ({ errorName: (error as Error).name }),
    );
    await neighbour.check();
    if (!["", "ServiceException"].includes(errorName)) throw new Error(errorName);
    if (room === 0 && errorName === "") throw new Error("there was room");
    await functions.stopEnvironments(name);
  }
}

it.each(["fresh", "clone"])("functions go first where the host has no memory (%s)", async (kind) => {
  const name = await functions.createSnapStart({ bootstrap: program("exhaust") }, PROVIDED);
  const version = kind === "clone" ? await functions.publish(name) : undefined;
  const { payload } = await functions.invoke(name, { try: "oom_score_adj" }, version);
  if ((payload as Outcome).got !== OOM_SCORE_ADJ) throw new Error(JSON.stringify(payload));
  const lowered = await functions.invoke(name, { try: "lower_oom_score_adj" }, version);
  if ((lowered.payload as Outcome).refused !== "EACCES") throw new Error(JSON.stringify(lowered.payload));
});

it("all functions together have half of the host's processes at most", () => {
  const number = (path: string): number => Number(readFileSync(path, "utf8"));
  const most = Math.min(number("/proc/sys/kernel/pid_max"), number("/proc/sys/kernel/threads-max"));
  const groups = [join(CONTROLLER, "thaw", String(sandboxd)), ...groupsOf(`thaw-${sandboxd}`)];
  const limits = groups.filter((group) => existsSync(group)).map((group) => number(join(group, "pids.max")));
  if (limits.length !== 1 || (limits[0] ?? 0) > most / 2) throw new Error(JSON.stringify({ groups, limits, most }));
});

/** Under version 2 it is below the group that the server was started in. */
function groupsOf(name: string): string[] {
  return readdirSync(CONTROLLER, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(`/${name}`))
    .map((path) => join(CONTROLLER, path));
}
