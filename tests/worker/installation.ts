/** A server at which workers join, on the loopback, and data directories for it and for them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "@thaw/server/testing/base";
import {
  certificateDigest,
  initAuthority,
  joinCluster,
  JoinListener,
  type JoinOrder,
  Membership,
  readAuthority,
  type WorkerIdentity,
} from "@thaw/server/testing/cluster";
import { FakeClock } from "@thaw/server/testing/fakes";

export const TOKEN_LIFE_MS = 30 * 60_000;
export const ADDRESS = "worker.example:7070";

export class Installation {
  readonly dataDir = mkdtempSync(join(tmpdir(), "thaw-server-"));
  /** Begins now: OpenSSL asks no other clock. */
  readonly clock = new FakeClock(systemClock.nowMs());
  readonly problems: string[] = [];
  membership!: Membership;
  #listener!: JoinListener;
  readonly #workerDirs: string[] = [];

  static async make(): Promise<Installation> {
    const made = new Installation();
    await initAuthority(made.dataDir, made.clock.nowMs());
    await made.#start();
    return made;
  }

  get authority() {
    const authority = readAuthority(this.dataDir);
    if (authority === null) throw new Error("no authority");
    return authority;
  }

  get server(): string {
    return `https://127.0.0.1:${this.#listener.port}`;
  }

  token(): string {
    return this.membership.makeToken(TOKEN_LIFE_MS).token;
  }

  workerDir(): string {
    const made = mkdtempSync(join(tmpdir(), "thaw-worker-"));
    this.#workerDirs.push(made);
    return made;
  }

  join(order: Partial<JoinOrder> = {}): Promise<WorkerIdentity> {
    const { server, address = ADDRESS } = { server: this.server, ...order };
    const token = order.token ?? this.token();
    return joinCluster({ dataDir: order.dataDir ?? this.workerDir(), server, token, address }, systemClock);
  }

  /** Ends the server, and starts another one on what is in its data directory. */
  async restart(): Promise<void> {
    await this.#listener.close();
    await this.#start();
  }

  async end(): Promise<void> {
    await this.#listener.close();
    for (const each of [this.dataDir, ...this.#workerDirs]) rmSync(each, { recursive: true });
  }

  async #start(): Promise<void> {
    const { dataDir, clock, authority } = this;
    const digest = certificateDigest(authority.certificate);
    this.membership = new Membership({ dataDir, digest, clock, random: systemRandom });
    const onProblem = (what: string, error: unknown): void => void this.problems.push(`${what}: ${String(error)}`);
    const options = { authority, membership: this.membership, clock, onProblem };
    this.#listener = await JoinListener.listen(options, "127.0.0.1", 0);
  }
}
