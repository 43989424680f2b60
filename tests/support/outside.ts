/**
 * A host outside: a network namespace with a server in it. Sandboxes reach it through their NAT as they would any other
 * host; the way to this machine itself stays shut.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A part of TEST-NET-2, which is nobody's: another one for each run on this machine. */
const SUBNET = (process.pid % 64) * 4;
const HOST_ADDRESS = `198.51.100.${SUBNET + 1}`;
const OUTSIDE_ADDRESS = `198.51.100.${SUBNET + 2}`;

export class Outside {
  readonly address = OUTSIDE_ADDRESS;
  readonly #namespace = `thaw-test-${process.pid}`;
  readonly #device = `tt${process.pid}`;
  readonly #children: ChildProcess[] = [];

  open(): void {
    ip("netns", "add", this.#namespace);
    ip("link", "add", this.#device, "type", "veth", "peer", "name", "eth0", "netns", this.#namespace);
    ip("addr", "add", `${HOST_ADDRESS}/30`, "dev", this.#device);
    ip("link", "set", this.#device, "up");
    ip("-n", this.#namespace, "addr", "add", `${OUTSIDE_ADDRESS}/30`, "dev", "eth0");
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
    // The namespace goes with its last process, and the device with it.
    ip("link", "delete", this.#device);
    ip("netns", "delete", this.#namespace);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
