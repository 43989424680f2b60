/** A world for tests of the machine: things that commands make, and a runner that may crash at each step. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { FAKE_TYPES } from "./fake-types.ts";
import { begin, next } from "./next.ts";
import type { Plan } from "./planned.ts";
import type { Command, EventDraft, Head, News, Operation, RunContext, Step } from "./run.ts";
import type { StackResource } from "./stack-resource.ts";

export interface Thing {
  readonly logicalId: string;
  readonly properties: TemplateMap;
}

/** What becomes of a command: `half`: it fails, and what it was to do is done all the same. */
export type Fate = "done" | "failed" | "half";

export class World {
  readonly things = new Map<string, Thing>();
  /** Things that may stay for ever: their removal failed, or they are kept. */
  readonly left = new Set<string>();
  readonly events: EventDraft[] = [];
  /** What was removed while something referred to it. */
  readonly offences: string[] = [];
  readonly #made = new Map<string, string>();
  head: Head | null = null;
  resources = new Map<string, StackResource>();
  plan: Plan | null = null;
  /** Rows that the last step has written. */
  written = 0;
  #nowMs = 0;
  /** Begins a command twice, as a server does that starts again after a crash. */
  crashes: () => boolean = () => false;
  fate: (command: Command) => Fate = () => "done";
  choose: (count: number) => number = () => 0;
  context: Partial<RunContext> = {};

  begin(operation: Operation): void {
    this.plan = "plan" in operation ? operation.plan : null;
    this.#take(begin({ head: this.head, resources: this.resources }, operation, this.#context()));
  }

  /** Carries out whatever is pending, until nothing is. `each` sees every step. */
  finish(each: () => void = () => {}): void {
    for (let steps = 0; this.pending.length > 0; steps++) {
      if (steps > 5000) throw new Error("it does not end");
      each();
      this.stepOne();
    }
  }

  get pending(): readonly Command[] {
    return this.head?.pending ?? [];
  }

  stepOne(): void {
    const command = this.pending[this.choose(this.pending.length)];
    if (command === undefined) return;
    if (this.crashes()) {
      this.#carryOut(command, "done");
      this.#restart();
    }
    const fate = this.fate(command);
    const made = this.#carryOut(command, fate);
    const news: News =
      fate === "done"
        ? { kind: "done", token: command.token, made }
        : {
            kind: "failed",
            token: command.token,
            reason: `${command.logicalId} fails`,
            physicalId: fate === "half" && command.action === "create" ? (made?.physicalId ?? null) : null,
          };
    this.tell(news);
  }

  tell(news: News): void {
    if (this.head === null) throw new Error("nothing runs");
    this.#take(next({ head: this.head, resources: this.resources, plan: this.plan }, news, this.#context()));
  }

  run(operation: Operation): Head {
    this.begin(operation);
    this.finish();
    if (this.head === null) throw new Error("nothing ran");
    return this.head;
  }

  rows(): readonly StackResource[] {
    return [...this.resources.values()].filter(({ isObsolete }) => !isObsolete);
  }

  /** Statuses of the stack, in their order. */
  statuses(): readonly string[] {
    return this.events.filter(({ logicalId }) => logicalId === null).map(({ status }) => status);
  }

  #context(): RunContext {
    this.#nowMs++;
    return {
      types: FAKE_TYPES,
      nowMs: this.#nowMs,
      foreignExports: new Map(),
      importers: new Map(),
      ownExports: new Map(),
      policy: null,
      ...this.context,
    };
  }

  #take({ head, put, removed, events }: Step): void {
    this.head = head;
    this.written = put.size + removed.length;
    for (const [key, row] of put) this.resources.set(key, row);
    for (const key of removed) this.resources.delete(key);
    this.events.push(...events);
  }

  /** All that is left of a server is what it has written. */
  #restart(): void {
    const written = JSON.stringify({ head: this.head, rows: [...this.resources], plan: this.plan });
    const read = JSON.parse(written) as { head: Head; rows: Array<[string, StackResource]>; plan: Plan | null };
    this.head = read.head;
    this.resources = new Map(read.rows);
    this.plan = read.plan;
  }

  /** Does nothing twice for a token. Gives what was made. */
  #carryOut(command: Command, fate: Fate) {
    if (command.action === "remove") {
      const { physicalId } = command.existing;
      if (fate === "failed") this.left.add(physicalId);
      else this.#remove(physicalId);
      return null;
    }
    const existing = command.action === "update" ? command.existing.physicalId : this.#made.get(command.token);
    const physicalId = existing ?? `${command.logicalId}-${command.token}`;
    if (fate !== "failed" || (command.action === "create" && existing !== undefined)) {
      this.#made.set(command.token, physicalId);
      this.things.set(physicalId, { logicalId: command.logicalId, properties: command.properties });
    }
    // A handler that fails removes what it has made, or tells it.
    if (fate === "failed" && command.action === "create") this.things.delete(physicalId);
    return { physicalId, ref: null, attributes: { Arn: `arn:${physicalId};` } };
  }

  #remove(physicalId: string): void {
    this.things.delete(physicalId);
    for (const [other, { properties }] of this.things) {
      const refers = textsIn(properties).some((text) =>
        text.split(" ").some((word) => word === physicalId || word === `arn:${physicalId};`),
      );
      if (refers && !this.left.has(other)) this.offences.push(`${physicalId} was removed before ${other}`);
    }
  }
}

function textsIn(value: TemplateValue): readonly string[] {
  if (isTemplateList(value)) return value.flatMap(textsIn);
  if (isTemplateMap(value)) return Object.values(value).flatMap(textsIn);
  return [String(value)];
}
