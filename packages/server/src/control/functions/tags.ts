/** TagResource, UntagResource, ListTags, for functions and code signing configurations. */
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import type { CodeSigningRecord } from "../../model/function-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import { ACCOUNT } from "../records/changes.ts";
import { checkSettled, findFunction, findLatest } from "../records/lookup.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";
import { revisedLatest } from "./versions.ts";

const TAGS_MAX = 50;
const OTHER_KINDS = [
  ["event-source-mapping", "Event source mapping"],
  ["capacity-provider", "Capacity provider"],
  ["code-signing-config", "Code signing configuration"],
  ["network-connector", "Network connector"],
] as const;

type Tagged = Readonly<Record<string, string>>;

/** Adds tags to those that are there. Throws an InvalidParameterValueException where there would be too many. */
export function checkTags(current: Tagged, added: Tagged): Tagged {
  const all = { ...current, ...added };
  if (Object.keys(all).length > TAGS_MAX) throw invalidParameter("Number of tags exceeds resource tag limit.");
  return all;
}

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "random">;

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
    const signing = await this.#signingOf(input.Resource);
    const { tags } = signing ?? (await findFunction(this.#services, this.#nameOf(input.Resource)));
    return { Tags: tags };
  }

  async #change(resource: string, change: (tags: Tagged) => Tagged): Promise<void> {
    if (isSigning(resource)) return this.#changeSigning(resource, change);
    const name = this.#nameOf(resource);
    await this.#services.changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const record = { ...owner, tags: change(owner.tags) };
      checkSettled(this.#services, await findLatest(this.#services, name));
      const latest = await revisedLatest(this.#services, name);
      return { writes: [{ op: "put", kind: "function", record, over: owner }, ...latest], result: undefined };
    });
  }

  #changeSigning(resource: string, change: (tags: Tagged) => Tagged): Promise<void> {
    return this.#services.changes.decide(ACCOUNT, async () => {
      const over = await this.#signingOf(resource);
      if (over === null) throw notFound(`Code signing configuration not found: ${resource}`);
      const record = { ...over, tags: change(over.tags) };
      return { writes: [{ op: "put", kind: "codeSigning", record, over }], result: undefined };
    });
  }

  /** Null where the resource is none that is there. */
  #signingOf(resource: string): Promise<Stored<CodeSigningRecord> | null> {
    if (!isSigning(resource)) return Promise.resolve(null);
    const id = resource.slice(resource.lastIndexOf(":") + 1);
    return this.#services.store.getAccountEntry("codeSigning", id);
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

function isSigning(resource: string): boolean {
  return resource.includes(":code-signing-config:");
}
