/**
 * A network of a browser's own, with loopback alone. In the host's a browser gives up what it is connecting to whenever
 * a device comes or goes (`net::ERR_NETWORK_CHANGED`), and each sandbox of the tests beside has one.
 *
 * ```text
 *  browser ─► 127.0.0.1:PORT ─ own-network-entry.ts ─► DIR/PORT ─ this process ─► 127.0.0.1:PORT of the host
 * ```
 */
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinBoth } from "./join-both.ts";

export class OwnNetwork {
  readonly #dir = mkdtempSync(join(tmpdir(), "thaw-own-network-"));
  readonly #ways: Server[] = [];
  readonly #open = new Set<Socket>();

  /** `ports`: those of the host's loopback that are reached in it. */
  static async make(ports: readonly number[]): Promise<OwnNetwork> {
    const network = new OwnNetwork();
    mkdirSync(join(network.#dir, "ports"));
    for (const port of ports) await network.#lead(port);
    return network;
  }

  /** Gives a program that runs `program` in it, with the arguments that it gets itself. */
  wrap(program: string): string {
    const entry = join(import.meta.dirname, "own-network-entry.ts");
    const words = [process.execPath, "--disable-warning=ExperimentalWarning", entry, join(this.#dir, "ports"), program];
    const path = join(this.#dir, "program");
    writeFileSync(path, `#!/bin/sh\nexec unshare --net ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  async remove(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    for (const way of this.#ways) {
      way.close();
      await once(way, "close");
    }
    rmSync(this.#dir, { recursive: true });
  }

  async #lead(port: number): Promise<void> {
    const way = createServer({ allowHalfOpen: true }, (from) => {
      this.#open.add(from);
      from.once("close", () => this.#open.delete(from));
      joinBoth(from, connect({ host: "127.0.0.1", port, allowHalfOpen: true }));
    });
    way.listen(join(this.#dir, "ports", String(port)));
    await once(way, "listening");
    this.#ways.push(way);
  }
}
