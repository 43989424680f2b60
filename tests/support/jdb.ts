/** A debugger of Java: `jdb`, which speaks JDWP, attached to a port. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** Before the limit of a test, whose error would not tell what was said. */
const HEARD_MS = 120_000;

export class Jdb {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #said = "";
  #wake: () => void = () => undefined;

  private constructor(port: number) {
    this.#child = spawn("jdb", ["-connect", `com.sun.jdi.SocketAttach:hostname=127.0.0.1,port=${port}`], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
        this.#wake();
      });
    this.#child.once("close", () => this.#wake());
  }

  static async attach(port: number): Promise<Jdb> {
    const jdb = new Jdb(port);
    await jdb.heard(/Initializing jdb/);
    return jdb;
  }

  /** Gives a command, and what is said up to that. */
  ask(command: string, answer: RegExp): Promise<string> {
    this.#said = "";
    this.#child.stdin.write(`${command}\n`);
    return this.heard(answer);
  }

  async heard(pattern: RegExp): Promise<string> {
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, HEARD_MS);
    try {
      for (;;) {
        const found = pattern.exec(this.#said);
        if (found !== null) return found[0];
        if (isLate || this.#child.exitCode !== null)
          throw new Error(`jdb has ${isLate ? "not said" : "ended without"} ${String(pattern)}:\n${this.#said}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(limit);
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.stdin.end("exit\n");
    await closed;
  }
}
