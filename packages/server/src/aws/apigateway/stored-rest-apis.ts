/** REST APIs in the store, and their parts. */
import { newLabel } from "../../base/ids.ts";
import { frozenId } from "../../model/http-api/record.ts";
import type { RestApiRecord, RestMethodRecord, RestResourceRecord } from "../../model/rest-api/record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { Page } from "../entry-pages.ts";
import { ApiDocuments, type ApiParts, type Edit, type PageWish } from "../gateways/api-documents.ts";
import { notFound } from "../gateways/refusals.ts";

/** Lengths of AWS's ids. */
export const API_ID_LENGTH = 10;
export const PART_ID_LENGTH = 6;

type Change<T> = Edit<RestApiRecord, T> | Promise<Edit<RestApiRecord, T>>;

export class StoredRestApis {
  readonly parts: ApiParts;
  readonly #documents: ApiDocuments<"restApi">;

  constructor(parts: ApiParts) {
    this.parts = parts;
    this.#documents = new ApiDocuments("restApi", parts, (id) =>
      notFound(`Invalid API identifier specified ${parts.scope.accountId}:${id}`),
    );
  }

  find(apiId: string): Promise<Stored<RestApiRecord>> {
    return this.#documents.find(apiId);
  }

  page<P>(present: (api: RestApiRecord) => P, wish: PageWish): Promise<Page<P> | null> {
    return this.#documents.page(present, wish);
  }

  add(api: RestApiRecord): Promise<void> {
    return this.#documents.add(api);
  }

  /** Changes an API. `edit` is asked again where somebody else was first. */
  change<T>(apiId: string, edit: (api: RestApiRecord) => Change<T>): Promise<T> {
    return this.#documents.change(apiId, edit);
  }

  remove(apiId: string): Promise<void> {
    return this.#documents.remove(apiId, async ({ deployments }) =>
      (await Promise.all(deployments.map(({ id }) => this.removalOf(apiId, id)))).flat(),
    );
  }

  /** The write that takes away what a deployment froze. */
  async removalOf(apiId: string, deploymentId: string): Promise<readonly Write[]> {
    const record = await this.parts.store.getAccountEntry("restFrozen", frozenId(apiId, deploymentId));
    return record === null ? [] : [{ op: "remove", kind: "restFrozen", record }];
  }

  newId(length = PART_ID_LENGTH): string {
    return newLabel(this.parts.random, length);
  }

  get nowMs(): number {
    return this.parts.clock.nowMs();
  }
}

export function findResource({ resources }: RestApiRecord, id: string): RestResourceRecord {
  const found = resources.find((each) => each.id === id);
  if (found === undefined) throw notFound("Invalid Resource identifier specified");
  return found;
}

export function findMethod(api: RestApiRecord, resourceId: string, name: string): RestMethodRecord {
  const { methods } = findResource(api, resourceId);
  const found = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (found === undefined) throw notFound("Invalid Method identifier specified");
  return found;
}

/** All methods of an API, and where each is: `/pets/GET`. */
export function methodsOf({
  resources,
}: Pick<RestApiRecord, "resources">): ReadonlyArray<{ readonly place: string; readonly method: RestMethodRecord }> {
  return resources.flatMap(({ path, methods }) =>
    Object.entries(methods).map(([name, method]) => ({ place: `${path}/${name}`, method })),
  );
}

/** Gives the API with a resource in the place of the one that has its id. */
export function withResource(api: RestApiRecord, resource: RestResourceRecord): RestApiRecord {
  return { ...api, resources: api.resources.map((each) => (each.id === resource.id ? resource : each)) };
}

/** Gives the API with a method in its place; null: without it. */
export function withMethod(
  api: RestApiRecord,
  resourceId: string,
  name: string,
  method: RestMethodRecord | null,
): RestApiRecord {
  const resource = findResource(api, resourceId);
  const { [name]: _, ...others } = resource.methods;
  return withResource(api, { ...resource, methods: method === null ? others : { ...others, [name]: method } });
}

/** Gives a map without one of its entries, which must be there. */
export function without<T>(map: Readonly<Record<string, T>>, name: string, what: string): Readonly<Record<string, T>> {
  entryOf(map, name, what);
  return Object.fromEntries(Object.entries(map).filter(([each]) => each !== name));
}

/** Throws a NotFoundException where the map has none of this name. */
export function entryOf<T>(map: Readonly<Record<string, T>>, name: string, what: string): T {
  const found = Object.hasOwn(map, name) ? map[name] : undefined;
  if (found === undefined) throw notFound(`Invalid ${what} specified`);
  return found;
}
