/** A process that answers each line with a line, one at a time. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Clock } from "../base/clock.ts";
import { jsonLine, onLines } from "../base/lines.ts";

export interface ProcessOptions {
  readonly argv: readonly string[];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** The process is gone, and a request with it. */
export class ProcessEnded extends Error {
  override readonly name = "ProcessEnded";
}

/** Of an answer, in characters; the process has a lower limit of its own. */
const ANSWER_LENGTH_MAX = 32 * 2 ** 20;
const ERRORS_KEPT = 500;

interface Waiting {
  resolve(line: string): void;
  reject(error: ProcessEnded): void;
}

export class TransformProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #clock: Clock;
  #waiting: Waiting | null = null;
  #length = 0;
  #errors = "";
  #why: string | null = null;

  constructor({ argv, env, clock }: ProcessOptions) {
    const [program = "", ...rest] = argv;
    this.#clock = clock;
    this.#child = spawn(program, rest, { cwd: "/", env, stdio: "pipe" });
    const { stdin, stdout, stderr } = this.#child;
    // The end of the process says what was wrong.
    stdin.on("error", () => undefined);
    stdout.on("data", (text: string) => {
      this.#length += text.length;
      if (this.#length > ANSWER_LENGTH_MAX) this.end(`gave more than ${ANSWER_LENGTH_MAX} characters`);
    });
    onLines(stdout, (line) => this.#take(line));
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = `${this.#errors}${text}`.slice(-ERRORS_KEPT);
    });
    const lose = (how: string): void =>
      this.#lose(this.#why ?? `ended${how}${this.#errors === "" ? "" : `: ${lastLine(this.#errors)}`}`);
    this.#child.once("error", (error) => lose(`: ${error.message}`));
    this.#child.once("close", (code, signal) => lose(signal === null ? ` with code ${code}` : ` by ${signal}`));
  }

  /** Resolves when the process has said that it is ready: the first line. Rejects with ProcessEnded. */
  async ready(startMsMax: number): Promise<void> {
    await this.#answer(startMsMax, "start");
  }

  /** Asks one thing. Rejects with ProcessEnded where there is no answer in time; the process has then ended, too. */
  ask(document: unknown, answerMsMax: number): Promise<string> {
    const answer = this.#answer(answerMsMax, "answer");
    this.#child.stdin.write(jsonLine(document));
    return answer;
  }

  /** True from when it was told to end, or ended. */
  get isEnding(): boolean {
    return this.#why !== null;
  }

  end(why: string): void {
    this.#why ??= why;
    this.#child.kill("SIGKILL");
  }

  async #answer(msMax: number, what: string): Promise<string> {
    const cancel = this.#clock.after(msMax, () => this.end(`did not ${what} within ${msMax / 1000} s`));
    try {
      return await new Promise<string>((resolve, reject) => {
        if (this.#why === null) this.#waiting = { resolve, reject };
        else reject(new ProcessEnded(this.#why));
      });
    } finally {
      cancel();
    }
  }

  #take(line: string): void {
    this.#length = 0;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.end("spoke without being asked");
    else waiting.resolve(line);
  }

  #lose(why: string): void {
    this.#why ??= why;
    this.#waiting?.reject(new ProcessEnded(why));
    this.#waiting = null;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
