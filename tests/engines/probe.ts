/** Speaks the Runtime API with the probe program of the engine suite, in place of a worker. */
import type { ProcessExit, RuntimeCall, Sandbox } from "@thaw/server/testing/ports";

const ANSWER_TIMEOUT_MS = 120_000;
const ANSWER_SIZE_BYTES_MAX = 65_536;
const JSON_HEADERS = { "Lambda-Runtime-Aws-Request-Id": "r-1", "Content-Type": "application/json" };

export type ProbeEvent =
  | { readonly op: "echo"; readonly value?: string }
  | { readonly op: "write"; readonly name: string; readonly text: string }
  | { readonly op: "read"; readonly name: string }
  | { readonly op: "identity" }
  | { readonly op: "burn"; readonly cpuS: number }
  | { readonly op: "eat" }
  | { readonly op: "exit"; readonly code: number };

export interface Echo {
  /** Random, chosen once by each process; the same in all clones. */
  readonly token: string;
  /** Events that the program was given, this one included. */
  readonly events: number;
  readonly value: string | null;
  /** Wall clock at which the program answered. */
  readonly atMs: number;
}

export class Probe {
  readonly sandbox: Sandbox;
  /** Calls in order: `GET next`, `POST response`. */
  readonly calls: string[] = [];
  readonly exits: ProcessExit[] = [];
  output = "";
  #next: RuntimeCall | null = null;
  #answer: string | null = null;
  #isLost = false;
  #changed: () => void = () => undefined;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    sandbox.link.listen({
      onCall: (call) => this.#onCall(call),
      onAbandoned: () => undefined,
      onLog: (_source, _stream, bytes) => this.#change(() => (this.output += bytes.toString())),
      onExit: (exit) => this.#change(() => this.exits.push(exit)),
      onLost: () => this.#change(() => (this.#isLost = true)),
    });
  }

  /** Resolves when the program waits for an event; the call that it waits in is left open. */
  async idle(): Promise<void> {
    await this.until("an idle program", () => this.#next !== null);
  }

  /** Answers the call that the program waits in. */
  async send(event: ProbeEvent): Promise<RuntimeCall> {
    await this.idle();
    const call = this.#next;
    if (call === null) throw new Error("the program is not idle");
    this.#next = null;
    this.#answer = null;
    call.respond(200, JSON_HEADERS, JSON.stringify(event));
    return call;
  }

  async answer(): Promise<unknown> {
    await this.until("an answer", () => this.#answer !== null);
    return JSON.parse(this.#answer ?? "null") as unknown;
  }

  async ask(event: ProbeEvent): Promise<unknown> {
    await this.send(event);
    return this.answer();
  }

  async echo(value?: string): Promise<Echo> {
    return (await this.ask({ op: "echo", ...(value === undefined ? {} : { value }) })) as Echo;
  }

  /** Resolves when `isThere` is true. Rejects when the connection ends before, or after half a minute. */
  until(what: string, isThere: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never: ${what}`)), ANSWER_TIMEOUT_MS);
      const look = (): void => {
        if (!isThere() && !this.#isLost) return;
        clearTimeout(timer);
        this.#changed = () => undefined;
        if (isThere()) resolve();
        else reject(new Error(`the sandbox was lost before there was ${what}`));
      };
      this.#changed = look;
      look();
    });
  }

  #onCall(call: RuntimeCall): void {
    this.calls.push(`${call.method} ${call.path.slice(call.path.lastIndexOf("/") + 1)}`);
    if (call.method === "GET") {
      this.#change(() => (this.#next = call));
      return;
    }
    call.body.keep(ANSWER_SIZE_BYTES_MAX, (kept) => {
      call.respond(202, {}, "");
      // A body that is not whole is an answer that no test waits for.
      this.#change(() => (this.#answer = kept.kind === "whole" ? kept.bytes.toString() : JSON.stringify(kept.kind)));
    });
  }

  #change(change: () => void): void {
    change();
    this.#changed();
  }
}
