/** The launcher alone, with small programs in the place of sandboxd, the server and the helper. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partsOf } from "@thaw/installation";
import type { LaunchPlan } from "@thaw/server/testing/main";
import { afterEach, expect, it, onTestFinished } from "vitest";
import { freePort } from "../support/free-port.ts";

const SANDBOXD = `
  process.on("SIGTERM", () => { console.error("sandboxd ends"); process.exit(); });
  setInterval(() => {}, 1e6);
  console.log("sandboxd ready");
`;
/** Says what it hears; ends with status 0 when it is told to. */
const SERVER = `
  for (const signal of ["SIGTERM", "SIGHUP"])
    process.on(signal, () => { console.error("server hears " + signal); process.exit(); });
  new net.Socket({ fd: Number(process.env.THAW_HOST_READY_FD), writable: false })
    .on("data", () => console.error("server runs"))
    .on("end", () => undefined);
  setInterval(() => {}, 1e6);
  console.error("server loads");
`;
const AGAIN = `console.error("again " + process.pid + " " + process.env.THAW_LISTEN_FD + " " + fs.fstatSync(0).isSocket())`;

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

interface Launched {
  readonly child: ChildProcess;
  readonly runDir: string;
  output(): string;
  until(text: string): Promise<void>;
  /** Exit status; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

const run = (source: string): readonly string[] => ["setpriv", "--pdeathsig", "TERM", process.execPath, "-e", source];
const program = (source: string) => ({ command: run(source), variables: { PATH: process.env["PATH"] ?? "" } });

function launch(plan: Partial<LaunchPlan> = {}, env: NodeJS.ProcessEnv = process.env): Launched {
  const directory = mkdtempSync(join(tmpdir(), "thaw-launcher-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const runDir = join(directory, "run");
  mkdirSync(runDir);
  const path = join(runDir, "plan.json");
  const whole: LaunchPlan = {
    listen: { host: "127.0.0.1", port: 0 },
    runDir,
    helper: null,
    sandboxd: run(SANDBOXD),
    server: program(SERVER),
    again: [process.execPath, "-e", AGAIN],
    doctor: "thaw doctor",
    ...plan,
  };
  writeFileSync(path, JSON.stringify(whole));
  // As thaw serve becomes it.
  const become = `process.execve(process.argv[1], process.argv.slice(1))`;
  const command = ["--no-warnings", "-e", become, partsOf(process.env).sandboxd, "launch", path];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"], env });
  running.add(child);
  let output = "";
  const heard = new Set<() => void>();
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    for (const hear of heard) hear();
  });
  return {
    child,
    runDir,
    output: () => output,
    until: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (output.includes(text)) resolve();
        };
        heard.add(look);
        look();
      }),
    ended: once(child, "close").then(([code]) => code as number | null),
  };
}

it("lets the server load beside sandboxd, and run when sandboxd is ready", async () => {
  const waiting = `process.once("SIGUSR2", () => console.log("sandboxd ready")); console.error("sandboxd " + process.pid + ".");`;
  const sandboxd = run(`${SANDBOXD.replace('console.log("sandboxd ready");', "")}${waiting}`);
  const launched = launch({ sandboxd });
  await Promise.all([launched.until("server loads"), launched.until("sandboxd ")]);
  expect(launched.output()).not.toContain("server runs");
  process.kill(Number(/sandboxd (\d+)\./.exec(launched.output())?.[1]), "SIGUSR2");
  await launched.until("server runs");
  launched.child.kill("SIGTERM");
  expect(await launched.ended).toBe(0);
});

it("ends the server first, then sandboxd, and leaves nothing of the plan", async () => {
  const launched = launch();
  await launched.until("server runs");
  expect(existsSync(join(launched.runDir, "plan.json"))).toBe(false);
  launched.child.kill("SIGTERM");
  expect(await launched.ended).toBe(0);
  expect(launched.output()).toMatch(/server hears SIGTERM\nsandboxd ends\n$/);
  expect(existsSync(launched.runDir)).toBe(false);
});

it("ends at once at the second signal", async () => {
  const deaf = SERVER.replace("process.exit();", "");
  const launched = launch({ server: program(deaf) });
  await launched.until("server runs");
  launched.child.kill("SIGTERM");
  await launched.until("server hears SIGTERM");
  launched.child.kill("SIGINT");
  expect(await launched.ended).toBe(0);
});

it("takes all with it when it is killed", async () => {
  const launched = launch();
  await launched.until("server runs");
  launched.child.kill("SIGKILL");
  // Its standard error is at its end: nobody has it any more.
  expect(await launched.ended).toBe(null);
  expect(launched.output()).toContain("server hears SIGTERM\n");
  expect(launched.output()).toContain("sandboxd ends\n");
});

it("starts programs that have no signal blocked or ignored, in sessions of their own", async () => {
  const command = ["sh", "-c", "exec grep -h . /proc/self/status /proc/self/stat >&2"];
  const launched = launch({ server: { ...program(""), command } });
  expect(await launched.ended).toBe(0);
  expect(launched.output()).toContain("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  const [, pid, session] = /^(\d+) \(grep\) \w \d+ \d+ (\d+) /m.exec(launched.output()) ?? [];
  expect(session).toBe(pid);
});

it("becomes the same program again at SIGHUP, with the socket", async () => {
  const launched = launch();
  await launched.until("server runs");
  launched.child.kill("SIGHUP");
  expect(await launched.ended).toBe(0);
  expect(launched.output()).toContain(`server hears SIGHUP\nsandboxd ends\nagain ${launched.child.pid} 0 true\n`);
});

it("a sandboxd that does not start is told, and the server has touched nothing", async () => {
  const launched = launch({ sandboxd: run(`console.error("sandboxd: no"); process.exitCode = 1;`) });
  expect(await launched.ended).toBe(2);
  expect(launched.output()).toContain("thaw: sandboxd did not start; its message is above. Run: thaw doctor\n");
  expect(launched.output()).not.toContain("server runs");
  expect(existsSync(launched.runDir)).toBe(false);
});

it("a sandboxd that gives up slowly is ended, and told before the server that waits for it", async () => {
  // Closes its standard output, and does not go.
  const launched = launch({
    sandboxd: run("fs.closeSync(1); setInterval(() => {}, 1e6);"),
    server: program(
      `new net.Socket({ fd: Number(process.env.THAW_HOST_READY_FD) }).on("end", () => process.exit(1)).resume()`,
    ),
  });
  expect(await launched.ended).toBe(2);
  expect(launched.output()).toContain("thaw: sandboxd did not start; its message is above. Run: thaw doctor\n");
});

it("ends with a sandboxd that ends, and has the server finish", async () => {
  const launched = launch({
    sandboxd: run(
      `${SANDBOXD}process.once("SIGUSR2", () => process.exit(1)); console.error("sandboxd " + process.pid + ".");`,
    ),
  });
  await Promise.all([launched.until("server runs"), launched.until("sandboxd ")]);
  process.kill(Number(/sandboxd (\d+)\./.exec(launched.output())?.[1]), "SIGUSR2");
  expect(await launched.ended).toBe(1);
  expect(launched.output()).toMatch(/thaw: sandboxd ended; the server stops\n[^]*server hears SIGTERM\n/);
});

it("ends as the server does", async () => {
  const launched = launch({ server: program("process.exitCode = 2") });
  expect(await launched.ended).toBe(2);
});

it("starts the helper before the rest, and nothing where it refuses", async () => {
  const launched = launch({ helper: program(`console.error("no moto"); process.exitCode = 2;`) });
  expect(await launched.ended).toBe(2);
  expect(launched.output()).toBe("no moto\n");
  expect(existsSync(launched.runDir)).toBe(false);
});

it("gives helper and server the two ends of a socket, and ends the helper last", async () => {
  const helper = `
    process.on("SIGTERM", () => { console.error("helper ends"); process.exit(); });
    new net.Socket({ fd: 0 }).on("data", (text) => console.error("helper hears " + text));
    setInterval(() => {}, 1e6);
    console.log("helper ready");
  `;
  const server = `${SERVER}new net.Socket({ fd: Number(process.env.THAW_INSTALLER_FD) }).write("python");`;
  const launched = launch({ helper: program(helper), server: program(server) });
  await Promise.all([launched.until("helper hears python"), launched.until("server runs")]);
  launched.child.kill("SIGTERM");
  expect(await launched.ended).toBe(0);
  expect(launched.output()).toMatch(/server hears SIGTERM\nsandboxd ends\nhelper ends\n$/);
});

it.for(["SIGKILL", "SIGTERM"] as const)("ends with a helper that ends, by %s", async (signal) => {
  // By the second with status 0.
  const helper = `
    process.once("SIGTERM", () => process.exit());
    setInterval(() => {}, 1e6);
    console.error("helper " + process.pid + ".");
    console.log("helper ready");
  `;
  const launched = launch({ helper: program(helper) });
  await Promise.all([launched.until("server runs"), launched.until("helper ")]);
  process.kill(Number(/helper (\d+)\./.exec(launched.output())?.[1]), signal);
  expect(await launched.ended).toBe(1);
  expect(launched.output()).toContain("thaw: the helper of --companion and --install-runtimes ended; the server stops");
});

it("a port that is taken is refused before anything is started", async () => {
  const port = await freePort();
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(port, "127.0.0.1", done));
  try {
    const launched = launch({ listen: { host: "127.0.0.1", port } });
    expect(await launched.ended).toBe(2);
    expect(launched.output()).toContain(`thaw: can't listen on 127.0.0.1:${port}: the port is in use`);
    expect(launched.output()).not.toContain("server loads");
  } finally {
    taken.close();
  }
});

it("ends with the npm that started it", async () => {
  const launched = launch({}, { ...process.env, npm_command: "exec", THAW_PARENT_PID: "1" });
  expect(await launched.ended).toBe(0);
  expect(existsSync(launched.runDir)).toBe(false);
});
