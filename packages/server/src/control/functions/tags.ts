/** TagResource, UntagResource, ListTags, for functions. */
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { findFunction } from "../records/lookup.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

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

type Needs = Pick<ControlParts, "scope" | "store" | "changes">;

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
    const { tags } = await findFunction(this.#services, this.#nameOf(input.Resource));
    return { Tags: tags };
  }

  async #change(resource: string, change: (tags: Tagged) => Tagged): Promise<void> {
    const name = this.#nameOf(resource);
    await this.#services.changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const record = { ...owner, tags: change(owner.tags) };
      return { writes: [{ op: "put", kind: "function", record, over: owner }], result: undefined };
    });
  }

  #nameOf(resource: string): string {
    // There are no resources of the other kinds yet; the texts are recorded (…TestLambdaTag.test_tag_exceptions).
    const other = OTHER_KINDS.find(([kind]) => resource.includes(`:${kind}:`));
    if (other !== undefined) throw notFound(`${other[1]} not found: ${resource}`);
    const { name, qualifier } = parseFunctionName(this.#services.scope, resource);
    if (qualifier !== null)
      throw invalidParameter("Tags on function aliases and versions are not supported. Please specify a function ARN.");
    return name;
  }
}
