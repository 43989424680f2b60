/** The life of contents, with requests, removals of rows and sweeps in every order that a seed gives. */
import { expect, it } from "vitest";
import { ContentHolds } from "./content-holds.ts";

const RUNS = 3000;
const NAMES = ["a", "b"] as const;

/** Numbers from 0 on, of which each seed gives its own row. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822507) + 374761393) >>> 0;
    return state % below;
  };
}

/** A disk, and two tables of rows that name what is on it. Each step waits until it is chosen. */
class World {
  readonly disk = new Set<string>();
  /** Layers name contents, and functions take the names from them. */
  readonly layers = new Map<string, string>();
  readonly functions = new Map<string, string>();
  readonly problems: string[] = [];
  readonly holds = new ContentHolds(() => undefined);
  readonly #waiting: Array<() => void> = [];
  readonly #choose: (below: number) => number;
  #living = 0;
  #rows = 0;

  constructor(seed: number) {
    this.#choose = randomOf(seed);
  }

  step(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  begin(work: () => Promise<void>): void {
    this.#living++;
    void this.step()
      .then(work)
      .catch((error: unknown) => this.problems.push(String(error)))
      .finally(() => this.#living--);
  }

  async run(): Promise<void> {
    while (this.#living > 0) {
      const [next] = this.#waiting.splice(this.#choose(Math.max(this.#waiting.length, 1)), 1);
      next?.();
      // All that follows from it without a step of its own.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      for (const name of [...this.layers.values(), ...this.functions.values()])
        if (!this.disk.has(name)) this.problems.push(`${name} is named, and gone`);
    }
  }

  /** Brings a content, and names it in a row. */
  bring(name: string, rows: Map<string, string>): void {
    this.begin(() =>
      this.holds.hold(async () => {
        await this.#unpack(name);
        await this.step();
        rows.set(`row ${++this.#rows}`, name);
      }),
    );
  }

  async #unpack(name: string): Promise<void> {
    await this.holds.touch(name);
    await this.step();
    if (this.disk.has(name)) return;
    await this.step();
    this.disk.add(name);
  }

  /** Takes a layer for a function, and does not see whether it is deleted meanwhile. */
  takeLayer(): void {
    this.begin(() =>
      this.holds.hold(async () => {
        const name = [...this.layers.values()][0];
        if (name === undefined) return;
        await this.step();
        await this.step();
        this.functions.set(`row ${++this.#rows}`, name);
      }),
    );
  }

  forget(rows: Map<string, string>): void {
    this.begin(async () => rows.clear());
  }

  sweeps(count: number): void {
    this.begin(async () => {
      for (let sweep = 0; sweep < count; sweep++) await this.#sweep();
    });
  }

  async #sweep(): Promise<void> {
    await this.holds.sweep({
      list: async () => {
        await this.step();
        return [...this.disk];
      },
      look: async () => {
        await this.step();
        return { named: new Set([...this.layers.values(), ...this.functions.values()]), run: new Set() };
      },
      remove: async (name) => {
        await this.step();
        this.disk.delete(name);
        await this.step();
      },
    });
  }
}

it(`keeps what is named, in ${RUNS} orders of requests, removals and sweeps`, async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const world = new World(seed);
    // Left by an earlier life of the server: unnamed, and removed by the first sweep.
    if (seed % 2 === 0) for (const name of NAMES) world.disk.add(name);
    for (const name of NAMES) world.bring(name, world.layers);
    world.sweeps(3);
    world.bring("a", world.functions);
    world.forget(world.layers);
    world.takeLayer();
    world.takeLayer();
    world.forget(world.functions);
    world.bring("b", world.functions);
    await world.run();
    expect(world.problems, `seed ${seed}`).toEqual([]);
  }
});

it("removes what nothing names, once nobody can be about to name it", async () => {
  const world = new World(1);
  for (const name of NAMES) world.bring(name, world.layers);
  await world.run();
  world.forget(world.layers);
  await world.run();
  world.sweeps(1);
  await world.run();
  expect([...world.disk].toSorted()).toEqual(NAMES);
  world.sweeps(2);
  await world.run();
  expect([...world.disk]).toEqual([]);
});
