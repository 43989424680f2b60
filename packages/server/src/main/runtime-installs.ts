/**
 * The helper's side of `--install-runtimes on-use`: installs the runtimes that the server asks for (design 0025). The
 * server is not trusted: a request is a name out of the list of this program, and nothing else of it goes anywhere. One
 * is installed at a time, in a process namespace that ends with this process, however that ends, so that no half of an
 * old install works on beside a new one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { INSTALLABLE, installName } from "@thaw/installation/installable";
import type { Clock } from "../base/clock.ts";
import { jsonLine } from "../base/lines.ts";

/** Longest request: a name and its newline. */
const LINE_LENGTH_MAX = 64;
/** A root file system takes a minute; a mirror may be slow. */
const INSTALL_LIMIT_MS = 1_800_000;
/** What is kept of an install's last output, in characters. */
const OUTPUT_KEPT = 4096;
const PROBLEM_LENGTH_MAX = 300;

export interface InstallReply {
  readonly name: string;
  /** Null: it is installed. */
  readonly problem: string | null;
}

export interface RuntimeInstallsOptions {
  /** Program that is run with a runtime's name: `tools/install-runtime.sh`. */
  readonly script: string;
  readonly clock: Pick<Clock, "after">;
  /** A line for the operator. */
  readonly onNote: (line: string) => void;
}

export class RuntimeInstalls {
  readonly #channel: Duplex;
  readonly #options: RuntimeInstallsOptions;
  /** Names that wait for their turn or are being installed. */
  readonly #asked = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  #child: ChildProcess | null = null;
  #isClosed = false;
  #pending = "";

  constructor(channel: Duplex, options: RuntimeInstallsOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.setEncoding("latin1").on("data", (text: string) => this.#read(text));
    // The server has ended; what it asked for is asked for again by the next one.
    channel.on("error", () => undefined);
  }

  /** Ends what is being installed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#channel.destroy();
    this.#child?.kill("SIGKILL");
    await this.#last;
  }

  #read(text: string): void {
    const lines = `${this.#pending}${text}`.split("\n");
    this.#pending = lines.pop() ?? "";
    // Not the server that we know.
    if (this.#pending.length > LINE_LENGTH_MAX) this.#channel.destroy();
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    const name = INSTALLABLE.find((each) => each === line);
    if (name === undefined || this.#asked.has(name)) return;
    this.#asked.add(name);
    this.#last = this.#last.then(async () => {
      const problem = await this.#install(name);
      this.#asked.delete(name);
      if (!this.#isClosed && this.#channel.writable) this.#channel.write(jsonLine({ name, problem }));
    });
  }

  async #install(name: NonNullable<ReturnType<typeof installName>>): Promise<string | null> {
    if (this.#isClosed) return "thaw serve ends";
    const { script, clock, onNote } = this.#options;
    onNote(`installing ${name}, which a function asks for (--install-runtimes on-use)`);
    const apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...apart, "sh", script, name], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output = `${output}${text}`.slice(-OUTPUT_KEPT)));
    let isLate = false;
    const cancel = clock.after(INSTALL_LIMIT_MS, () => {
      isLate = true;
      child.kill("SIGKILL");
    });
    const code = await once(child, "close").then(
      ([status]) => status as number | null,
      (error: unknown) => void (output = String(error)),
    );
    cancel();
    this.#child = null;
    if (code === 0) {
      onNote(`${name} is installed`);
      return null;
    }
    const problem = isLate ? `it took more than ${INSTALL_LIMIT_MS / 60_000} minutes` : lastLine(output);
    if (!this.#isClosed) onNote(`${name} could not be installed: ${problem}\n${output.trim()}`);
    return problem;
  }
}

/** The script's last word, as one line without control characters and the program's name. */
function lastLine(output: string): string {
  const lines = output.split("\n").map((line) => line.replaceAll(/\p{Cc}/gu, " ").trim());
  const last = lines.findLast((line) => line !== "") ?? "it said nothing";
  return last.replace(/^thaw: /, "").slice(0, PROBLEM_LENGTH_MAX);
}
