/** HTTP APIs in the store: found, changed one at a time, and what follows from a change. */
import type { Clock } from "../../base/clock.ts";
import { newLabel } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { frozenId, type HttpApiRecord } from "../../model/http-api/record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { MetadataStore, Stored, Write } from "../../ports/metadata-store.ts";

export interface ApiParts {
  readonly scope: AccountScope;
  readonly store: Pick<MetadataStore, "commit" | "getAccountEntry" | "listAccountEntries">;
  readonly clock: Clock;
  readonly random: Random;
}

/** An API as it is to be, what else is written with it, and what the caller gets. */
export interface Edit<T> {
  readonly api: HttpApiRecord;
  readonly writes?: readonly Write[];
  readonly result: T;
}

/** Another writer is first now and then, not so often. */
const ATTEMPTS_MAX = 20;
/** AWS's quota of an account in a Region. */
const APIS_MAX = 600;

export class StoredApis {
  readonly parts: ApiParts;

  constructor(parts: ApiParts) {
    this.parts = parts;
  }

  async find(apiId: string): Promise<Stored<HttpApiRecord>> {
    const found = await this.parts.store.getAccountEntry("httpApi", apiId);
    if (found === null) throw noSuch("API", `${this.parts.scope.accountId}:${apiId}`);
    return found;
  }

  list(): Promise<ReadonlyArray<Stored<HttpApiRecord>>> {
    return this.parts.store.listAccountEntries("httpApi");
  }

  async add(api: HttpApiRecord): Promise<void> {
    if ((await this.list()).length >= APIS_MAX)
      throw new ServiceError("BadRequestException", `There are at most ${APIS_MAX} APIs`);
    if ((await this.parts.store.commit([{ op: "put", kind: "httpApi", record: api, over: null }])) === "changed")
      throw busy();
  }

  /** Changes an API. `edit` is asked again where somebody else was first. */
  async change<T>(apiId: string, edit: (api: HttpApiRecord) => Edit<T> | Promise<Edit<T>>): Promise<T> {
    const { store } = this.parts;
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const over = await this.find(apiId);
      const { revision: _, ...before } = over;
      const { api, writes = [], result } = await edit(before);
      const put: Write = { op: "put", kind: "httpApi", record: api, over };
      if ((await store.commit([put, ...writes])) === "done") return result;
    }
    throw busy();
  }

  async remove(apiId: string): Promise<void> {
    const { store } = this.parts;
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const api = await this.find(apiId);
      const frozen = await Promise.all(api.deployments.map(({ id }) => this.removalOf(apiId, id)));
      const removal: Write = { op: "remove", kind: "httpApi", record: api };
      if ((await store.commit([removal, ...frozen.flat()])) === "done") return;
    }
    throw busy();
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
  return new ServiceError("NotFoundException", `Invalid ${what} identifier specified ${id}`);
}

export function conflict(message: string): ServiceError {
  return new ServiceError("ConflictException", message);
}

function busy(): ServiceError {
  return new ServiceError("TooManyRequestsException", "The API is changed by others all the time. Try again.");
}
