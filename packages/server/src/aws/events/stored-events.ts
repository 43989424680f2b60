/** Buses and rules in the store: found, or refused in AWS's words, and changed one at a time. */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { readBusName, ruleArn } from "../../model/event-bus/names.ts";
import { DEFAULT_BUS, type EventBusRecord, type EventRuleRecord, ruleId } from "../../model/event-bus/record.ts";
import { type AccountScope, isSameScope } from "../../model/function-name.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { EventBuses } from "../../ports/event-buses.ts";
import { ENTRIES_BYTES_MAX, measureGrown } from "../entries.ts";
import type { MetadataStore, Stored, Write } from "../../ports/metadata-store.ts";

export interface EventsParts {
  readonly scope: AccountScope;
  readonly store: Pick<MetadataStore, "commit" | "getAccountEntry" | "listAccountEntries" | "measureAccountEntries">;
  readonly buses: EventBuses;
  readonly clock: Clock;
  readonly random: Random;
}

/** Another writer is first now and then, not so often. */
const ATTEMPTS_MAX = 20;

export class StoredEvents {
  readonly parts: EventsParts;

  constructor(parts: EventsParts) {
    this.parts = parts;
  }

  /** Reads the name of a bus of this account. Throws a ServiceError where there is no such bus. */
  async busName(given: string | undefined): Promise<string> {
    const { owner, name } = readBusName(given ?? null);
    if (owner !== null && !isSameScope(owner, this.parts.scope))
      throw new ServiceError("AccessDeniedException", `There are no rules on buses of other accounts: ${given}`);
    if (name !== DEFAULT_BUS && (await this.parts.store.getAccountEntry("eventBus", name)) === null) throw noBus(name);
    return name;
  }

  /** The bus, and its record where it has one. */
  async bus(given: string | undefined): Promise<EventBusRecord> {
    const name = await this.busName(given);
    return (await this.parts.store.getAccountEntry("eventBus", name)) ?? unwrittenBus(name);
  }

  listBuses(): Promise<ReadonlyArray<Stored<EventBusRecord>>> {
    return this.parts.store.listAccountEntries("eventBus");
  }

  /** Those of a bus, by name. */
  async listRules(bus: string): Promise<ReadonlyArray<Stored<EventRuleRecord>>> {
    return (await this.parts.store.listAccountEntries("eventRule")).filter((rule) => rule.bus === bus);
  }

  async findRule(bus: string, name: string): Promise<Stored<EventRuleRecord>> {
    const rule = await this.parts.store.getAccountEntry("eventRule", ruleId(bus, name));
    if (rule === null) throw noRule(bus, name);
    return rule;
  }

  arnOf({ bus, name }: EventRuleRecord): string {
    return ruleArn(this.parts.scope, bus, name);
  }

  /** Changes a bus that is there. */
  async changeBus(name: string, edit: (bus: EventBusRecord) => EventBusRecord): Promise<EventBusRecord> {
    return this.#again(async () => {
      const over = await this.parts.store.getAccountEntry("eventBus", name);
      if (over === null && name !== DEFAULT_BUS) throw noBus(name);
      const edited = edit(withoutRevision(over) ?? unwrittenBus(name));
      const record = { ...edited, lastModifiedMs: this.parts.clock.nowMs() };
      return { writes: [{ op: "put", kind: "eventBus", record, over }], result: record };
    });
  }

  /** Changes or makes a rule; null: there is none yet. Its bus must stay. */
  async putRule(
    bus: string,
    name: string,
    edit: (rule: EventRuleRecord | null) => EventRuleRecord | Promise<EventRuleRecord>,
  ): Promise<EventRuleRecord> {
    return this.#again(async () => {
      const over = await this.parts.store.getAccountEntry("eventRule", ruleId(bus, name));
      const before = withoutRevision(over);
      const record = await edit(before);
      const grown = await measureGrown(this.parts.store, "eventRule", before, record);
      if (grown !== null && grown.sizeBytes > ENTRIES_BYTES_MAX)
        throw new ServiceError(
          "LimitExceededException",
          `All rules of an account in a Region have at most ${ENTRIES_BYTES_MAX} bytes together, with their targets: remove some, or shorten their inputs.`,
        );
      const put: Write = { op: "put", kind: "eventRule", record, over };
      return { writes: [...(await this.#staying(bus)), put], result: record };
    });
  }

  async changeRule(
    bus: string,
    name: string,
    edit: (rule: EventRuleRecord) => EventRuleRecord,
  ): Promise<EventRuleRecord> {
    return this.putRule(bus, name, (rule) => {
      if (rule === null) throw noRule(bus, name);
      return edit(rule);
    });
  }

  /** Carries out what `decide` says, and asks it again where somebody else was first. */
  async commit(decide: () => Promise<readonly Write[]>): Promise<void> {
    await this.#again(async () => ({ writes: await decide(), result: undefined }));
  }

  async #again<T>(decide: () => Promise<{ readonly writes: readonly Write[]; readonly result: T }>): Promise<T> {
    const { store, buses } = this.parts;
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const { writes, result } = await decide();
      try {
        if (writes.length === 0 || (await store.commit(writes)) === "done") return result;
      } finally {
        // A store that failed may have them all the same.
        buses.rulesChanged();
      }
    }
    throw new ServiceError("ConcurrentModificationException", "It is changed by others all the time. Try again.");
  }

  /** The default bus never goes. */
  async #staying(bus: string): Promise<readonly Write[]> {
    if (bus === DEFAULT_BUS) return [];
    const record = await this.parts.store.getAccountEntry("eventBus", bus);
    if (record === null) throw noBus(bus);
    return [{ op: "expect", kind: "eventBus", record }];
  }
}

/** The default bus before anything of it was set. */
function unwrittenBus(name: string): EventBusRecord {
  return { id: name, description: null, statements: [], tags: {}, createdAtMs: 0, lastModifiedMs: 0 };
}

function withoutRevision<T>(stored: Stored<T> | null): T | null {
  if (stored === null) return null;
  const { revision: _, ...record } = stored;
  return record as unknown as T;
}

export function noBus(name: string): ServiceError {
  return new ServiceError("ResourceNotFoundException", `Event bus ${name} does not exist.`);
}

function noRule(bus: string, name: string): ServiceError {
  return new ServiceError("ResourceNotFoundException", `Rule ${name} does not exist on EventBus ${bus}.`);
}

export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}

export function tooMany(): ServiceError {
  return new ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.");
}
