/**
 * A host outside: a network namespace with a server in it. Sandboxes reach it through their NAT as they would any other
 * host; the way to this machine itself stays shut.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Parts of TEST-NET-2, which is nobody's, with four addresses each. */
const PARTS = 64;

export class Outside {
  /** Number of its part of the net: whoever makes the namespace of that name has it. */
  readonly #part = takePart();
  readonly address = this.#addressOf(2);
  readonly #namespace = namespaceOf(this.#part);
  readonly #device = `thaw-test${this.#part}`;
  readonly #children: ChildProcess[] = [];

  open(): void {
    ip("link", "add", this.#device, "type", "veth", "peer", "name", "eth0", "netns", this.#namespace);
    ip("addr", "add", `${this.#addressOf(1)}/30`, "dev", this.#device);
    ip("link", "set", this.#device, "up");
    ip("-n", this.#namespace, "addr", "add", `${this.address}/30`, "dev", "eth0");
    ip("-n", this.#namespace, "link", "set", "lo", "up");
    ip("-n", this.#namespace, "link", "set", "eth0", "up");
  }

  /** Resolves when the program has written a line: it listens. */
  async run(command: string, args: readonly string[]): Promise<void> {
    const child = spawn("ip", ["netns", "exec", this.#namespace, command, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#children.push(child);
    const gone = once(child, "exit").then(() => Promise.reject(new Error(`${command} ended`)));
    gone.catch(() => undefined);
    await Promise.race([once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line"), gone]);
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      const gone = once(child, "exit");
      if (child.kill("SIGKILL")) await gone;
    }
    // The namespace goes with its last process, and the device with it. Its name goes last: then the part is free.
    ip("link", "delete", this.#device);
    ip("netns", "delete", this.#namespace);
  }

  #addressOf(host: number): string {
    return `198.51.100.${this.#part * 4 + host}`;
  }
}

function namespaceOf(part: number): string {
  return `thaw-test-${part}`;
}

/** Takes a part that nobody has. */
function takePart(): number {
  for (let tried = 0; ; tried++) {
    const part = (process.pid + tried) % PARTS;
    try {
      ip("netns", "add", namespaceOf(part));
      return part;
    } catch (error) {
      if (tried === PARTS || !String(error).includes("File exists")) throw error;
    }
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
