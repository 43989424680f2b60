/**
 * The helper's side of `--companion` (design 0031): starts moto as a user of its own, in a root file system that holds
 * nothing else, and starts it again when it ends. It has no rights, and dies with the helper.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PROGRAM, ROOT } from "@thaw/installation";
import { MOTO } from "@thaw/installation/installable";
import type { Clock } from "../base/clock.ts";
import type { Companion } from "./options/companion-options.ts";
import { UsageError } from "./options/usage-error.ts";

/** Python loads moto in a second or two, on a busy machine in many. */
const START_MS_MAX = 60_000;
/** Waits between attempts to start it again; the last one is for all that follow. */
const RESTART_MS = [0, 1000, 5000, 30_000] as const;
/** What is kept of its last errors, in characters. */
const OUTPUT_KEPT = 2000;
/** As environments of functions have it. */
const OOM_SCORE_ADJ = "500";
/** As in runtimes/moto/serve.py. */
const PORT_TAKEN = 98;

export interface CompanionParts {
  readonly companion: Companion;
  readonly accountId: string;
  readonly thawHome: string;
  /** User and group that it runs as. */
  readonly uid: number;
  readonly clock: Pick<Clock, "after">;
  /** A line for the operator. */
  readonly onNote: (line: string) => void;
}

/** Starts it, and waits until it answers. Throws a UsageError where it can't. */
export async function startCompanion(parts: CompanionParts): Promise<CompanionProcess> {
  const { companion, thawHome } = parts;
  if (!existsSync(join(thawHome, MOTO, ".recipe")))
    throw new UsageError(
      `--companion ${companion.name}: ${MOTO} is not installed. Run, as root: ${PROGRAM} runtimes install ${MOTO}`,
    );
  const started = new CompanionProcess(parts);
  const problem = await started.begin();
  if (problem !== null) throw new UsageError(`--companion ${companion.name}: ${problem}`);
  parts.onNote(describe(companion));
  return started;
}

function describe({ name, port, services }: Companion): string {
  return (
    `${name} answers at 127.0.0.1:${port}, in functions at host.thaw.internal:${port}, for ${services.join(", ")}. ` +
    "It keeps everything in memory and begins empty: what stacks made in it before is gone (delete and deploy them). " +
    "It asks nobody for rights (no IAM), and is not for production"
  );
}

export class CompanionProcess {
  readonly #parts: CompanionParts;
  #child: ChildProcess | null = null;
  #exited: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #cancelRestart = (): void => undefined;

  constructor(parts: CompanionParts) {
    this.#parts = parts;
  }

  /** Returns null when it answers, else why it does not. */
  async begin(failures = 0): Promise<string | null> {
    const { clock } = this.#parts;
    const child = this.#spawn();
    this.#child = child;
    this.#exited = once(child, "close").catch(() => undefined);
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors = `${errors}${text}`.slice(-OUTPUT_KEPT)));
    let cancel = (): void => undefined;
    const isReady = await new Promise<boolean>((done) => {
      cancel = clock.after(START_MS_MAX, () => done(false));
      if (child.stdout) createInterface({ input: child.stdout }).once("line", (line) => done(line === "ready"));
      child.once("error", (error) => void (errors = error.message));
      void this.#exited.then(() => done(false));
    });
    cancel();
    if (isReady) {
      void this.#exited.then(() => this.#ended(child, errors));
      return null;
    }
    if (child.pid !== undefined) child.kill("SIGKILL");
    await this.#exited;
    if (child.exitCode === PORT_TAKEN) return this.#portTaken();
    if (failures === 0) return `it did not start: ${errors.trim() || howEnded(child)}`;
    return errors.trim() || howEnded(child);
  }

  /** Ends it, with all that it holds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRestart();
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Runs as a child of this process itself: each of the programs becomes the next one. */
  #spawn(): ChildProcess {
    const { companion, accountId, thawHome, uid } = this.#parts;
    const program = readFileSync(join(ROOT, "runtimes/moto/serve.py"));
    const identity = [`--userspec=+${uid}:+${uid}`, "--groups="];
    // Of that root: its own loader, and nothing of the host's Python or C library.
    const python = ["/python/bin/ld-linux-x86-64.so.2", "--library-path", "/python/lib/x86_64-linux-gnu"];
    const call = ["/python/bin/python3.13", "-S", "-B", "-", process.pid, companion.port, accountId].map(String);
    const contained = ["--no-new-privs", "--inh-caps=-all", "--pdeathsig", "KILL"];
    const args = [...contained, "chroot", ...identity, join(thawHome, MOTO), ...python, ...call];
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", PYTHONHOME: "/python", PYTHONUTF8: "1" };
    // A group of its own: Ctrl-C is for us, and it ends last, when functions have ended.
    const child = spawn("setpriv", args, { stdio: ["pipe", "pipe", "pipe"], detached: true, cwd: "/", env });
    child.stdin.on("error", () => undefined).end(program);
    if (child.pid !== undefined) offerToKernel(child.pid);
    return child;
  }

  #portTaken(): string {
    const { port } = this.#parts.companion;
    return (
      `the port ${port} of 127.0.0.1 is taken, by another program or another thaw serve. ` +
      "End that, or name another one: --companion-port N (publish versions again after a change: snapshots keep it)"
    );
  }

  #ended(child: ChildProcess, errors: string): void {
    if (this.#isClosed) return;
    const { companion, onNote } = this.#parts;
    const last = errors.trim();
    onNote(
      `${companion.name} ended (${howEnded(child)}): the queues, topics, tables, streams and secrets in it are lost; ` +
        `it is started again, empty${last === "" ? "" : `\n${last}`}`,
    );
    this.#startAgain(0);
  }

  #startAgain(failures: number): void {
    const { companion, clock, onNote } = this.#parts;
    const delayMs = RESTART_MS[Math.min(failures, RESTART_MS.length - 1)] as number;
    this.#cancelRestart = clock.after(delayMs, () => {
      void this.begin(failures + 1).then((problem) => {
        if (this.#isClosed) return;
        if (problem === null) return onNote(describe(companion));
        onNote(`${companion.name} could not be started again: ${problem}`);
        this.#startAgain(failures + 1);
      });
    });
  }
}

/** Lets it go before services of the host where memory is short, whatever this process inherited. */
function offerToKernel(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE_ADJ);
  } catch {
    // It has ended already, and whoever waits for it is told.
  }
}

function howEnded({ exitCode, signalCode }: ChildProcess): string {
  return signalCode ?? (exitCode === null ? "it could not be run" : `exit status ${exitCode}`);
}
