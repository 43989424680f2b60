/** The rules of all buses, with their patterns read; kept until rules are written. */
import type { EventRuleRecord } from "../../model/event-bus/record.ts";
import { EventPattern } from "../../model/event-pattern.ts";
import type { MetadataStore, Stored } from "../../ports/metadata-store.ts";

interface KnownRule {
  readonly rule: Stored<EventRuleRecord>;
  readonly pattern: EventPattern;
}

type Index = ReadonlyMap<string, readonly KnownRule[]>;

export class RuleIndex {
  readonly #store: Pick<MetadataStore, "listAccountEntries">;
  #index: Promise<Index> | null = null;

  constructor(store: Pick<MetadataStore, "listAccountEntries">) {
    this.#store = store;
  }

  forget(): void {
    this.#index = null;
  }

  /** The enabled rules of a bus that have a pattern, by name. */
  async of(bus: string): Promise<readonly KnownRule[]> {
    const reading = (this.#index ??= this.#read());
    try {
      return (await reading).get(bus) ?? [];
    } catch (error) {
      // The next event asks again.
      if (this.#index === reading) this.#index = null;
      throw error;
    }
  }

  async #read(): Promise<Index> {
    const index = new Map<string, KnownRule[]>();
    for (const rule of await this.#store.listAccountEntries("eventRule")) {
      if (!rule.isEnabled || rule.pattern === null) continue;
      const rules = index.get(rule.bus) ?? [];
      rules.push({ rule, pattern: EventPattern.of(rule.pattern) });
      index.set(rule.bus, rules);
    }
    return index;
  }
}
