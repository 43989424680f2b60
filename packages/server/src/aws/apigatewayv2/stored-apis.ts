/** HTTP APIs in the store: found, changed one at a time, and what follows from a change. */
import { newLabel } from "../../base/ids.ts";
import { frozenId, type HttpApiRecord } from "../../model/http-api/record.ts";
import type { ServiceError } from "../../model/service-error.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { Page } from "../entry-pages.ts";
import { ApiDocuments, type ApiParts, type Edit, type PageWish } from "../gateways/api-documents.ts";
import { notFound } from "../gateways/refusals.ts";

export class StoredApis {
  readonly parts: ApiParts;
  readonly #documents: ApiDocuments<"httpApi">;

  constructor(parts: ApiParts) {
    this.parts = parts;
    this.#documents = new ApiDocuments("httpApi", parts, (id) => noSuch("API", `${parts.scope.accountId}:${id}`));
  }

  find(apiId: string): Promise<Stored<HttpApiRecord>> {
    return this.#documents.find(apiId);
  }

  page<P>(present: (api: HttpApiRecord) => P, wish: PageWish): Promise<Page<P> | null> {
    return this.#documents.page(present, wish);
  }

  add(api: HttpApiRecord): Promise<void> {
    return this.#documents.add(api);
  }

  /** Changes an API. `edit` is asked again where somebody else was first. */
  change<T>(
    apiId: string,
    edit: (api: HttpApiRecord) => Edit<HttpApiRecord, T> | Promise<Edit<HttpApiRecord, T>>,
  ): Promise<T> {
    return this.#documents.change(apiId, edit);
  }

  remove(apiId: string): Promise<void> {
    return this.#documents.remove(apiId, async ({ deployments }) =>
      (await Promise.all(deployments.map(({ id }) => this.removalOf(apiId, id)))).flat(),
    );
  }

  /** The write that takes away what a deployment froze; none where it froze nothing. */
  async removalOf(apiId: string, deploymentId: string): Promise<readonly Write[]> {
    const record = await this.parts.store.getAccountEntry("httpFrozen", frozenId(apiId, deploymentId));
    return record === null ? [] : [{ op: "remove", kind: "httpFrozen", record }];
  }

  /** Routes or integrations have changed: stages that deploy by themselves have a new deployment. */
  deployed(api: HttpApiRecord): HttpApiRecord {
    if (!api.stages.some(({ isAutoDeployed }) => isAutoDeployed)) return api;
    const nowMs = this.parts.clock.nowMs();
    const id = this.newId(PART_ID_LENGTH);
    const stages = api.stages.map((stage) =>
      stage.isAutoDeployed ? { ...stage, deploymentId: id, lastUpdatedMs: nowMs } : stage,
    );
    const used = new Set(stages.map(({ deploymentId }) => deploymentId));
    // An automatic one that no stage has any more froze nothing: it is forgotten.
    const kept = api.deployments.filter((deployment) => !deployment.isAutomatic || used.has(deployment.id));
    const made = { id, description: AUTOMATIC, isAutomatic: true, createdAtMs: nowMs };
    return { ...api, stages, deployments: [...kept, made] };
  }

  newId(length: number): string {
    return newLabel(this.parts.random, length);
  }
}

/** Lengths of AWS's ids. */
export const API_ID_LENGTH = 10;
export const PART_ID_LENGTH = 7;
const AUTOMATIC = "Automatic deployment triggered by changes to the Api configuration";

/** AWS's texts; `what` is API, Route, Integration, Stage or Deployment. */
export function noSuch(what: string, id: string): ServiceError {
  return notFound(`Invalid ${what} identifier specified ${id}`);
}
