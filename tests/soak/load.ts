/**
 * One client of the soak: creates, updates, publishes, invokes and deletes a function of its own, and checks each
 * answer.
 */
import { DeleteFunctionCommand, InvokeCommand } from "@aws-sdk/client-lambda";
import type { TestFunctions } from "../support/functions.ts";

export interface Counts {
  invokes: number;
  events: number;
  publishes: number;
  updates: number;
  deletes: number;
  /** Operations that failed while something was killed: their outcome is looked at afterwards. */
  disturbed: number;
}

export interface Shared {
  /** Of the server that runs now; another one after each kill. */
  functions(): TestFunctions;
  /** Counts kills: what ran across one may have failed. */
  epoch(): number;
  untilCalm(): Promise<void>;
  readonly isOver: () => boolean;
  readonly random: () => number;
  readonly accepted: Set<number>;
  readonly counts: Counts;
}

const VERSIONS_MAX = 3;

const code = (marker: string): Record<string, string> => ({
  "index.mjs": `export const handler = async (event) => ({ marker: ${JSON.stringify(marker)}, n: event.n });\n`,
});

/** Carries events out where no kill of ours can lose the trace of it; stays while all others come and go. */
export const EVENTS = "events";
const EVENTS_CODE = {
  "index.mjs":
    'import { appendFileSync } from "node:fs";\nexport const handler = async ({ id }) => appendFileSync("/mnt/events/done", `${id}\\n`);\n',
};

export async function createEventsFunction(functions: TestFunctions, accessPoint: string): Promise<void> {
  await functions.create(EVENTS_CODE, {
    FunctionName: EVENTS,
    FileSystemConfigs: [{ Arn: accessPoint, LocalMountPath: "/mnt/events" }],
  });
}

export class Client {
  readonly #shared: Shared;
  readonly #name: string;
  /** Marker of each published version that must answer. */
  readonly #versions = new Map<string, string>();
  #generation = 0;
  #latest: string | null = null;
  /** The last step met a kill: what it has done is not known. */
  #isUnknown = false;

  constructor(shared: Shared, name: string) {
    this.#shared = shared;
    this.#name = name;
  }

  async run(): Promise<void> {
    for (let n = 0; !this.#shared.isOver(); n++) {
      await this.#shared.untilCalm();
      const epoch = this.#shared.epoch();
      try {
        await this.#step(n);
      } catch (error) {
        if (epoch === this.#shared.epoch()) throw new Error(`${this.#name}: ${String(error)}`, { cause: error });
        this.#shared.counts.disturbed++;
        this.#isUnknown = true;
      }
    }
  }

  async #step(n: number): Promise<void> {
    const draw = this.#shared.random();
    if (this.#isUnknown) return this.#startAnew();
    if (this.#latest === null) return this.#create();
    if (draw < 0.7) return this.#invoke(n);
    if (draw < 0.85) return this.#sendEvent();
    if (draw < 0.95) return this.#publish();
    return this.#delete();
  }

  /** The function goes, by an answer that says so. */
  async #startAnew(): Promise<void> {
    const { lambda } = this.#shared.functions();
    await lambda.send(new DeleteFunctionCommand({ FunctionName: this.#name })).catch((error: Error) => {
      if (error.name !== "ResourceNotFoundException") throw error;
    });
    this.#forget();
  }

  async #create(): Promise<void> {
    const marker = this.#nextMarker();
    await this.#shared.functions().createSnapStart(code(marker), { FunctionName: this.#name });
    this.#latest = marker;
  }

  async #invoke(n: number): Promise<void> {
    const [version, marker] = [...this.#versions][Math.floor(this.#shared.random() * this.#versions.size)] ?? [
      "$LATEST",
      this.#latest,
    ];
    const answer = await this.#shared.functions().invoke(this.#name, { n }, version);
    if (JSON.stringify(answer.payload) !== JSON.stringify({ marker, n }))
      throw new Error(`${version} answered ${JSON.stringify(answer.payload)}, not ${marker} ${n}`);
    this.#shared.counts.invokes++;
    if (this.#shared.random() < 0.3) await this.#shared.functions().stopEnvironments(this.#name);
  }

  async #sendEvent(): Promise<void> {
    const id = Math.floor(this.#shared.random() * 2 ** 52);
    const Payload = Buffer.from(JSON.stringify({ id }));
    await this.#shared
      .functions()
      .lambda.send(new InvokeCommand({ FunctionName: EVENTS, InvocationType: "Event", Payload }));
    this.#shared.accepted.add(id);
    this.#shared.counts.events++;
  }

  async #publish(): Promise<void> {
    const functions = this.#shared.functions();
    const marker = this.#nextMarker();
    await functions.update(this.#name, code(marker));
    this.#latest = marker;
    this.#shared.counts.updates++;
    this.#versions.set(await functions.publish(this.#name), marker);
    this.#shared.counts.publishes++;
    const [oldest] = this.#versions.keys();
    if (this.#versions.size <= VERSIONS_MAX || oldest === undefined) return;
    await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: this.#name, Qualifier: oldest }));
    this.#versions.delete(oldest);
  }

  async #delete(): Promise<void> {
    await this.#shared.functions().lambda.send(new DeleteFunctionCommand({ FunctionName: this.#name }));
    this.#forget();
    this.#shared.counts.deletes++;
  }

  #forget(): void {
    this.#versions.clear();
    this.#latest = null;
    this.#isUnknown = false;
  }

  #nextMarker(): string {
    return `${this.#name}.${++this.#generation}`;
  }
}
