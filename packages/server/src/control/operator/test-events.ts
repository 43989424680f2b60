/** Saved test events of functions: an index for each function, and a record for each event. */
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import type { TestEventIndexRecord } from "../../model/test-event-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { SavedTestEvents } from "../../ports/test-events.ts";
import { Changes, type Decision } from "../records/changes.ts";
import type { ControlServices } from "../services.ts";

const EVENTS_MAX = 100;
const EVENT_BYTES_MAX = 256 * 1024;
/** All functions' together. */
const BYTES_MAX = 256 * 1024 * 1024;
const NAME = /^[\w.-]{1,64}$/;

export interface TestEventList {
  /** By name. */
  readonly events: ReadonlyArray<{ readonly name: string; readonly sizeBytes: number }>;
  /** Null: there never was one. */
  readonly updatedAtMs: number | null;
}

type Needs = Pick<ControlServices, "scope" | "store" | "clock">;

export class TestEvents implements SavedTestEvents {
  readonly #services: Needs;
  readonly #changes: Changes;

  constructor(services: Needs) {
    this.#services = services;
    this.#changes = new Changes(services.store);
  }

  async list(functionName: string): Promise<TestEventList> {
    return listOf(await this.#index(this.#nameOf(functionName)));
  }

  /** Throws ResourceNotFoundException where there is no such event. */
  async get(functionName: string, name: string): Promise<{ readonly name: string; readonly event: string }> {
    const owner = this.#nameOf(functionName);
    const record = await this.#services.store.getAccountEntry("testEvent", idOf(owner, name));
    if (record === null) throw missing(owner, name);
    return { name, event: record.event };
  }

  /** Puts an event in place of one of that name. Throws ResourceNotFoundException for an unknown function. */
  async put(functionName: string, name: string, event: string): Promise<TestEventList> {
    const { scope, store } = this.#services;
    const owner = this.#nameOf(functionName);
    checkEvent(name, event);
    return this.#changes.decide(owner, async () => {
      if ((await store.getFunction(owner)) === null) throw notFound(`Function not found: ${functionArn(scope, owner)}`);
      const index = await this.#index(owner);
      const others = (index?.events ?? []).filter((each) => each.name !== name);
      if (others.length >= EVENTS_MAX) throw tooMany();
      const events = [...others, { name, sizeBytes: Buffer.byteLength(event) }].toSorted(byName);
      const over = await store.getAccountEntry("testEvent", idOf(owner, name));
      const record = { id: idOf(owner, name), event };
      return this.#decision(owner, index, events, [{ op: "put", kind: "testEvent", record, over }]);
    });
  }

  /** Throws ResourceNotFoundException where there is no such event; its function may be gone. */
  async remove(functionName: string, name: string): Promise<TestEventList> {
    const { store } = this.#services;
    const owner = this.#nameOf(functionName);
    return this.#changes.decide(owner, async () => {
      const index = await this.#index(owner);
      const record = await store.getAccountEntry("testEvent", idOf(owner, name));
      if (record === null || index === null) throw missing(owner, name);
      const events = index.events.filter((each) => each.name !== name);
      return this.#decision(owner, index, events, [{ op: "remove", kind: "testEvent", record }]);
    });
  }

  async all(functionName: string): Promise<ReadonlyMap<string, string>> {
    const owner = this.#nameOf(functionName);
    const { events = [] } = (await this.#index(owner)) ?? {};
    const records = await Promise.all(
      events.map(({ name }) => this.#services.store.getAccountEntry("testEvent", idOf(owner, name))),
    );
    return new Map(
      events.flatMap(({ name }, at) => {
        const event = records[at]?.event;
        return event === undefined ? [] : [[name, event] as const];
      }),
    );
  }

  async replaceAll(functionName: string, events: ReadonlyMap<string, string>): Promise<void> {
    const { scope, store } = this.#services;
    const owner = this.#nameOf(functionName);
    for (const [name, event] of events) checkEvent(name, event);
    if (events.size > EVENTS_MAX) throw tooMany();
    await this.#changes.decide(owner, async () => {
      if (events.size > 0 && (await store.getFunction(owner)) === null)
        throw notFound(`Function not found: ${functionArn(scope, owner)}`);
      const index = await this.#index(owner);
      const names = new Set([...(index?.events ?? []).map(({ name }) => name), ...events.keys()]);
      const writes: Array<Decision<TestEventList>["writes"][number]> = [];
      for (const name of names) {
        const [over, event] = [await store.getAccountEntry("testEvent", idOf(owner, name)), events.get(name)];
        if (event !== undefined)
          writes.push({ op: "put", kind: "testEvent", record: { id: idOf(owner, name), event }, over });
        else if (over !== null) writes.push({ op: "remove", kind: "testEvent", record: over });
      }
      const listed = [...events].map(([name, event]) => ({ name, sizeBytes: Buffer.byteLength(event) }));
      return this.#decision(owner, index, listed.toSorted(byName), writes);
    });
  }

  async #decision(
    owner: string,
    over: Stored<TestEventIndexRecord> | null,
    events: TestEventIndexRecord["events"],
    writes: Decision<TestEventList>["writes"],
  ): Promise<Decision<TestEventList>> {
    await this.#checkRoom(writes);
    const record = { id: owner, events, updatedAtMs: this.#services.clock.nowMs() };
    return { writes: [...writes, { op: "put", kind: "testEventIndex", record, over }], result: listOf(record) };
  }

  /** Throws where the events become more, and have no room. */
  async #checkRoom(writes: Decision<TestEventList>["writes"]): Promise<void> {
    let addedBytes = 0;
    for (const write of writes)
      if (write.op === "put" && write.kind === "testEvent")
        addedBytes += sizeOf(write.record) - (write.over === null ? 0 : sizeOf(write.over));
      else if (write.op === "remove" && write.kind === "testEvent") addedBytes -= sizeOf(write.record);
    if (addedBytes <= 0) return;
    const { sizeBytes } = await this.#services.store.measureAccountEntries("testEvent");
    if (sizeBytes + addedBytes > BYTES_MAX)
      throw invalidParameter(
        `All test events of an account in a Region have at most ${BYTES_MAX} bytes together: delete some that nobody uses.`,
      );
  }

  #index(owner: string): Promise<Stored<TestEventIndexRecord> | null> {
    return this.#services.store.getAccountEntry("testEventIndex", owner);
  }

  #nameOf(functionName: string): string {
    return parseFunctionName(this.#services.scope, functionName).name;
  }
}

function listOf(index: TestEventIndexRecord | null): TestEventList {
  return index === null ? { events: [], updatedAtMs: null } : { events: index.events, updatedAtMs: index.updatedAtMs };
}

/** As it is stored. */
function sizeOf({ id, event }: { readonly id: string; readonly event: string }): number {
  return Buffer.byteLength(JSON.stringify({ id, event }));
}

function checkEvent(name: string, event: string): void {
  if (!NAME.test(name))
    throw invalidParameter("The name of a test event has 1 to 64 letters, digits, dots, hyphens and underscores.");
  if (Buffer.byteLength(event) > EVENT_BYTES_MAX)
    throw invalidParameter(`A test event has at most ${EVENT_BYTES_MAX} bytes.`);
  try {
    JSON.parse(event);
  } catch (error) {
    throw invalidParameter(`The test event is not JSON: ${(error as Error).message}`);
  }
}

function tooMany(): Error {
  return invalidParameter(`A function has at most ${EVENTS_MAX} test events. Delete one first.`);
}

function missing(owner: string, name: string): Error {
  return notFound(`The function ${owner} has no test event ${name.slice(0, 100)}.`);
}

/** Names of functions have no slash. */
function idOf(owner: string, name: string): string {
  return `${owner}/${name}`;
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
