/**
 * Index of the ids in host names and paths, of function URLs, HTTP APIs, REST APIs and subscriptions: which scope has
 * each. An id does not say
 * whose it is, and a request with any id at all must not ask every account.
 */
import type { HostedKind } from "../http/scopes.ts";
import type { MetadataStore, Write } from "../ports/metadata-store.ts";

const KINDS: readonly HostedKind[] = ["urlId", "httpApi", "restApi", "topicSubscription"];

/** An API may have some MB. */
const READ_AT_ONCE = 5;

export class HostedIds {
  /** Keys of scopes by kind and id. */
  readonly #scopes = new Map<string, string>();

  /** Adds what a scope has already. What it writes meanwhile is told by `heard`. */
  async load(scope: string, store: Pick<MetadataStore, "listAccountEntriesAfter">): Promise<void> {
    for (const kind of KINDS) {
      let after: string | null = "";
      while (after !== null) {
        const some: ReadonlyArray<{ readonly id: string }> = await store.listAccountEntriesAfter(
          kind,
          after,
          READ_AT_ONCE,
        );
        for (const { id } of some) this.#scopes.set(keyOf(kind, id), scope);
        after = some.length < READ_AT_ONCE ? null : (some.at(-1)?.id ?? null);
      }
    }
  }

  /** Takes what a scope has committed. */
  heard(scope: string, writes: readonly Write[]): void {
    for (const write of writes) {
      if ((write.op !== "put" && write.op !== "remove") || !isHosted(write)) continue;
      const key = keyOf(write.kind, write.record.id);
      if (write.op === "put") this.#scopes.set(key, scope);
      else if (this.#scopes.get(key) === scope) this.#scopes.delete(key);
    }
  }

  forget(scope: string): void {
    for (const [key, each] of this.#scopes) if (each === scope) this.#scopes.delete(key);
  }

  /** The key of the scope that has it. */
  scopeOf(kind: HostedKind, id: string): string | null {
    return this.#scopes.get(keyOf(kind, id)) ?? null;
  }
}

function isHosted<W extends { readonly kind: string }>(write: W): write is Extract<W, { readonly kind: HostedKind }> {
  return (KINDS as readonly string[]).includes(write.kind);
}

function keyOf(kind: HostedKind, id: string): string {
  return `${kind} ${id}`;
}
