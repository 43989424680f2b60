/** TagResource, UntagResource, ListTags: for functions, code signing configurations and event source mappings. */
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { type EventSourceRecord, isGone } from "../../model/event-source-record.ts";
import type { CodeSigningRecord } from "../../model/function-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import { ACCOUNT } from "../records/changes.ts";
import { checkSettled, findFunction, findLatest } from "../records/lookup.ts";
import { checkTags, type Tagged } from "../records/tag-check.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";
import { revisedLatest } from "./versions.ts";

const OTHER_KINDS = [
  ["capacity-provider", "Capacity provider"],
  ["network-connector", "Network connector"],
] as const;

/** Kinds of the account's own that have tags, as their ARNs and AWS's texts name them. */
const ENTRIES = [
  { part: ":code-signing-config:", kind: "codeSigning", title: "Code signing configuration" },
  { part: ":event-source-mapping:", kind: "eventSource", title: "Event source mapping" },
] as const;

type Entry = (typeof ENTRIES)[number];

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "random" | "limits">;

export function tagOperations(services: Needs): OperationsOf<"TagResource" | "UntagResource" | "ListTags"> {
  const tags = new Tags(services);
  return {
    TagResource: (input) => tags.tag(input),
    UntagResource: (input) => tags.untag(input),
    ListTags: (input) => tags.list(input),
  };
}

class Tags {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async tag(input: In<"TagResource">): Promise<Out<"TagResource">> {
    if (Object.keys(input.Tags).length === 0)
      throw invalidParameter("An error occurred and the request cannot be processed.");
    await this.#change(input.Resource, (tags) => checkTags(tags, input.Tags));
    return {};
  }

  async untag(input: In<"UntagResource">): Promise<Out<"UntagResource">> {
    const gone = new Set(input.TagKeys);
    await this.#change(input.Resource, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))),
    );
    return {};
  }

  async list(input: In<"ListTags">): Promise<Out<"ListTags">> {
    const entry = entryOf(input.Resource);
    const tagged =
      entry === null
        ? await findFunction(this.#services, this.#nameOf(input.Resource))
        : await this.#findEntry(entry, input.Resource);
    return { Tags: tagged.tags };
  }

  async #change(resource: string, change: (tags: Tagged) => Tagged): Promise<void> {
    const entry = entryOf(resource);
    if (entry !== null) return this.#changeEntry(entry, resource, change);
    const name = this.#nameOf(resource);
    await this.#services.changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const record = { ...owner, tags: change(owner.tags) };
      checkSettled(this.#services, await findLatest(this.#services, name));
      const latest = await revisedLatest(this.#services, name);
      return { writes: [{ op: "put", kind: "function", record, over: owner }, ...latest], result: undefined };
    });
  }

  #changeEntry(entry: Entry, resource: string, change: (tags: Tagged) => Tagged): Promise<void> {
    return this.#services.changes.decide(ACCOUNT, async () => {
      const over = await this.#findEntry(entry, resource);
      const record = { ...over, tags: change(over.tags) };
      // Both are of the entry's kind.
      const write = { op: "put", kind: entry.kind, record, over } as Write;
      return { writes: [write], result: undefined };
    });
  }

  async #findEntry({ kind, title }: Entry, resource: string): Promise<Stored<CodeSigningRecord | EventSourceRecord>> {
    const { store, clock, limits } = this.#services;
    const found = await store.getAccountEntry(kind, resource.slice(resource.lastIndexOf(":") + 1));
    const isDeleted = found !== null && "change" in found && isGone(found, clock.nowMs(), limits.stateChangeMs);
    if (found === null || isDeleted) throw notFound(`${title} not found: ${resource}`);
    return found;
  }

  #nameOf(resource: string): string {
    // The texts of kinds that are not there are recorded (…TestLambdaTag.test_tag_exceptions).
    const other = OTHER_KINDS.find(([kind]) => resource.includes(`:${kind}:`));
    if (other !== undefined) throw notFound(`${other[1]} not found: ${resource}`);
    const { name, qualifier } = parseFunctionName(this.#services.scope, resource);
    if (qualifier !== null)
      throw invalidParameter("Tags on function aliases and versions are not supported. Please specify a function ARN.");
    return name;
  }
}

/** Null where the resource is none of the account's own. */
function entryOf(resource: string): Entry | null {
  return ENTRIES.find(({ part }) => resource.includes(part)) ?? null;
}
