/** TagResource, UntagResource, ListTags, for functions. */
import { invalidParameter, notFound } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { findFunction } from "../records/lookup.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

const TAGS_MAX = 50;
const OTHER_KINDS = [
  ["event-source-mapping", "Event source mapping"],
  ["capacity-provider", "Capacity provider"],
  ["code-signing-config", "Code signing configuration"],
  ["network-connector", "Network connector"],
] as const;

export function checkTags(
  current: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const all = { ...current, ...added };
  if (Object.keys(all).length > TAGS_MAX) throw invalidParameter("Number of tags exceeds resource tag limit.");
  return all;
}

type Needs = Pick<ControlServices, "scope" | "store">;

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

  tag(input: In<"TagResource">): Record<string, never> {
    const { store } = this.#services;
    if (Object.keys(input.Tags).length === 0)
      throw invalidParameter("An error occurred and the request cannot be processed.");
    store.transaction(() => {
      const owner = findFunction(this.#services, this.#nameOf(input.Resource));
      store.putFunction({ ...owner, tags: checkTags(owner.tags, input.Tags) });
    });
    return {};
  }

  untag(input: In<"UntagResource">): Record<string, never> {
    const { store } = this.#services;
    store.transaction(() => {
      const owner = findFunction(this.#services, this.#nameOf(input.Resource));
      const gone = new Set(input.TagKeys);
      store.putFunction({
        ...owner,
        tags: Object.fromEntries(Object.entries(owner.tags).filter(([key]) => !gone.has(key))),
      });
    });
    return {};
  }

  list(input: In<"ListTags">): Out<"ListTags"> {
    return { Tags: findFunction(this.#services, this.#nameOf(input.Resource)).tags };
  }

  #nameOf(resource: string): string {
    // Of the other kinds there are none yet; the texts are recorded (…TestLambdaTag.test_tag_exceptions).
    const other = OTHER_KINDS.find(([kind]) => resource.includes(`:${kind}:`));
    if (other !== undefined) throw notFound(`${other[1]} not found: ${resource}`);
    const { name, qualifier } = parseFunctionName(this.#services.scope, resource);
    if (qualifier !== null)
      throw invalidParameter("Tags on function aliases and versions are not supported. Please specify a function ARN.");
    return name;
  }
}
