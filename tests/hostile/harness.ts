/** Hostile functions: what they try is in programs/, one runtime for all; and a neighbour that must not notice. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CreateFunctionCommandInput, PublishVersionCommand } from "@aws-sdk/client-lambda";
import { REPOSITORY, type ThawServerOptions } from "../../tools/thaw-server.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const PROGRAMS = join(REPOSITORY, "tests/hostile/programs");
/**
 * What the neighbour may take at most while others are at work: far above its few milliseconds and above a stop of the
 * machine of some seconds, below a wait for the time of an attack that hangs. With forty programs for each processor it
 * took 0.8 s.
 */
const NEIGHBOUR_MS_MAX = 10_000;

export interface Outcome {
  readonly got?: unknown;
  readonly refused?: string;
  readonly broken?: string;
}

export function program(name: string): string {
  return `${readFileSync(join(PROGRAMS, "runtime.py"), "utf8")}\n${readFileSync(join(PROGRAMS, `${name}.py`), "utf8")}`;
}

/** Its time is for what hangs: two dozen busy processes in a clone took more than 30 s on a busy machine. */
export const PROVIDED: Partial<CreateFunctionCommandInput> = {
  Runtime: "provided.al2023",
  Handler: "x",
  MemorySize: 256,
  Timeout: 120,
};

/** A function that answers, on demand and warm, with state of its own. */
export class Neighbour {
  readonly #functions: TestFunctions;
  #name = "";
  #count = 0;

  constructor(functions: TestFunctions) {
    this.#functions = functions;
  }

  async start(): Promise<this> {
    const source =
      "let count = 0; export const handler = async () => ({ count: ++count, free: (await import('node:fs')).statfsSync('/tmp').bavail > 1000 });";
    this.#name = await this.#functions.create({ "index.mjs": source });
    await this.check();
    return this;
  }

  /** Answers at once, from the same environment as ever. */
  async check(): Promise<void> {
    const startMs = performance.now();
    const answer = await this.#functions.invoke(this.#name);
    const durationMs = performance.now() - startMs;
    const expected = { count: ++this.#count, free: true };
    if (JSON.stringify(answer.payload) !== JSON.stringify(expected))
      throw new Error(`the neighbour noticed: ${JSON.stringify(answer)}`);
    if (this.#count > 1 && durationMs > NEIGHBOUR_MS_MAX)
      throw new Error(`the neighbour waited ${Math.round(durationMs)} ms`);
  }

  /** Checks again and again until `attack` ends. */
  async during<T>(attack: Promise<T>): Promise<T> {
    let isOver = false;
    const ended = attack.finally(() => {
      isOver = true;
    });
    ended.catch(() => undefined);
    do await this.check();
    while (!isOver);
    return ended;
  }
}

export interface PublishOutcome {
  readonly state: string;
  readonly reasonCode: string | undefined;
  readonly reason: string | undefined;
  readonly version: string;
}

/** Publishes and waits until it is decided, however. */
export async function publishOutcome(
  functions: TestFunctions,
  name: string,
  limitMs = 60_000,
): Promise<PublishOutcome> {
  const { Version: version = "" } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  const decided = await functions.decided(name, version, limitMs);
  return { state: decided.State ?? "", reasonCode: decided.StateReasonCode, reason: decided.StateReason, version };
}

/** A server, and a neighbour on it. `started`: what else is made before the first test. */
export function withNeighbour(
  started: (functions: TestFunctions, neighbour: Neighbour) => void | Promise<void>,
  options: ThawServerOptions = {},
): void {
  withThaw(async (functions) => started(functions, await new Neighbour(functions).start()), options);
}
