/**
 * npm run soak [-- --minutes N] [--seed N]: clients that publish, invoke, update and delete, while the server,
 * sandboxd, the pager and the launcher are killed at random and started again. At the end: no accepted event lost, no
 * wrong answer, nothing left on the machine; what the processes hold, minute by minute, as a table and in
 * bench/out/soak.json.
 */
import { randomInt } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { findTraces, leftSince } from "../../tools/leaks.ts";
import { pidOf, REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ACCESS_POINT } from "../support/access-point.ts";
import { TestFunctions } from "../support/functions.ts";
import { seededRandom } from "../support/random.ts";
import { type Figures, takeFigures, toTable } from "./figures.ts";
import { Client, type Counts, createEventsFunction, EVENTS, type Shared } from "./load.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "120" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
  },
});
const MINUTE_MS = 60_000;
const CLIENTS = 3;
const KILLS = ["server", "sandboxd", "pager", "launcher"] as const;
const BETWEEN_KILLS_MS = { min: 15_000, max: 45_000 };
/** After the death of a pager: its clones have gone, and the next restore works. */
const PAGER_CALM_MS = 2000;
const SAID_SIZE_MAX = 20_000;
const EVENTS_TIMEOUT_MS = 5 * MINUTE_MS;

class Soak {
  readonly #dir = mkdtempSync(join(tmpdir(), "thaw-soak-"));
  readonly #random = seededRandom(Number(options.seed));
  readonly #endMs = Date.now() + Number(options.minutes) * MINUTE_MS;
  readonly #kills: Record<(typeof KILLS)[number], number> = { server: 0, sandboxd: 0, pager: 0, launcher: 0 };
  readonly #accepted = new Set<number>();
  readonly #counts: Counts = { invokes: 0, events: 0, publishes: 0, updates: 0, deletes: 0, disturbed: 0 };
  readonly #figures: Figures[] = [];
  #server: ThawServer | null = null;
  #functions: TestFunctions | null = null;
  #epoch = 0;
  #calm: Promise<void> = Promise.resolve();

  async run(): Promise<void> {
    chmodSync(this.#dir, 0o777);
    await this.#start();
    await createEventsFunction(this.#now(), ACCESS_POINT);
    try {
      const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(this.#shared(), `soak-${index}`).run());
      await Promise.all([...clients, this.#killAtRandom(), this.#measure()]);
      await this.#settle();
    } catch (error) {
      process.stderr.write(`what the server said last:\n${this.#server?.output().slice(-SAID_SIZE_MAX)}\n`);
      throw error;
    } finally {
      await this.#server?.remove();
    }
    rmSync(this.#dir, { recursive: true });
  }

  report(): void {
    const kills = Object.entries(this.#kills).map(([who, count]) => `${who} ${count}`);
    process.stdout.write(
      `\nseed ${options.seed}, ${options.minutes} minutes; killed: ${kills.join(", ")}\n${JSON.stringify(this.#counts)}\n${toTable(this.#figures)}\n`,
    );
    const out = join(REPOSITORY, "bench/out");
    mkdirSync(out, { recursive: true });
    const { seed, minutes } = options;
    writeFileSync(
      join(out, "soak.json"),
      `${JSON.stringify({ seed, minutes, kills: this.#kills, counts: this.#counts, figures: this.#figures }, null, 1)}\n`,
    );
  }

  #now(): TestFunctions {
    if (this.#functions === null) throw new Error("the server does not run");
    return this.#functions;
  }

  #shared(): Shared {
    return {
      functions: () => this.#now(),
      epoch: () => this.#epoch,
      untilCalm: () => this.#calm,
      isOver: () => Date.now() > this.#endMs,
      random: this.#random,
      accepted: this.#accepted,
      counts: this.#counts,
    };
  }

  async #start(): Promise<void> {
    const previous = this.#server === null ? {} : { previous: this.#server };
    this.#server = await startThaw({ args: ["--file-system", `${ACCESS_POINT}=${this.#dir}`], ...previous });
    this.#functions = new TestFunctions(this.#server, { keepAlive: true });
  }

  async #killAtRandom(): Promise<void> {
    for (;;) {
      const { min, max } = BETWEEN_KILLS_MS;
      await pause(min + this.#random() * (max - min));
      if (Date.now() > this.#endMs) return;
      const who = KILLS[Math.floor(this.#random() * KILLS.length)] ?? "server";
      this.#epoch++;
      this.#kills[who]++;
      this.#calm = who === "pager" ? this.#killPager() : this.#killAndStart(who);
      await this.#calm;
      // What was under way when it was calm again had begun before the kill.
      this.#epoch++;
    }
  }

  async #killPager(): Promise<void> {
    const pager = pidOf(this.#server?.pid ?? 0, "pager");
    if (pager !== undefined) process.kill(pager, "SIGKILL");
    await pause(PAGER_CALM_MS);
  }

  async #killAndStart(who: "server" | "sandboxd" | "launcher"): Promise<void> {
    await this.#server?.kill(who);
    await this.#start();
  }

  async #measure(): Promise<void> {
    for (let minute = 0; Date.now() < this.#endMs; minute++) {
      await this.#calm;
      if (this.#server !== null) this.#figures.push(takeFigures(this.#server, minute));
      process.stdout.write(`${JSON.stringify(this.#figures.at(-1))} ${JSON.stringify(this.#counts)}\n`);
      await pause(Math.min(MINUTE_MS, Math.max(0, this.#endMs - Date.now())));
    }
  }

  /** Every accepted event is carried out; then nothing but their function is there. */
  async #settle(): Promise<void> {
    await this.#calm;
    const path = join(this.#dir, "done");
    const missing = (): number[] => {
      const done = new Set((existsSync(path) ? readFileSync(path, "utf8") : "").split("\n").map(Number));
      return [...this.#accepted].filter((id) => !done.has(id));
    };
    const lookAgain = async (): Promise<boolean> => {
      await pause(200);
      return missing().length === 0;
    };
    await this.#now()
      .eventually("all accepted events are carried out", lookAgain, EVENTS_TIMEOUT_MS)
      .catch((error: unknown) => {
        throw new Error(`lost: ${missing().join(" ")} of ${EVENTS}`, { cause: error });
      });
  }
}

const before = findTraces();
const soak = new Soak();
await soak.run().finally(() => soak.report());
const left = await leftSince(before);
if (left.length > 0) throw new Error(`left behind:\n  ${left.join("\n  ")}`);
process.stdout.write("no event lost, no wrong answer, nothing left behind\n");
