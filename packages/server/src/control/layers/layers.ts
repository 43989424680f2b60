/** PublishLayerVersion, the Get and List operations of layers, DeleteLayerVersion. */
import type {
  Architecture,
  GetLayerVersionResponse,
  LayerVersionsListItem,
  PublishLayerVersionResponse,
  Runtime,
} from "@thaw/aws-api";
import { invalidParameter, notFound } from "../../model/api-error.ts";
import {
  checkReach,
  layerArn,
  layerVersionArn,
  layerVersionId,
  type LayerVersionRecord,
  parseLayerArn,
  parseLayerName,
} from "../../model/layer-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import { fetchCode } from "../records/fetch-code.ts";
import { pageOf } from "../records/pages.ts";
import { formatTimestamp } from "../records/present.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "code" | "objects" | "clock" | "random">;

type LayerOperations = OperationsOf<
  | "PublishLayerVersion"
  | "GetLayerVersion"
  | "GetLayerVersionByArn"
  | "ListLayers"
  | "ListLayerVersions"
  | "DeleteLayerVersion"
>;

/** What a list may be narrowed to. */
interface Filter {
  readonly CompatibleRuntime?: string;
  readonly CompatibleArchitecture?: string;
}

export function layerOperations(services: Needs): LayerOperations {
  const layers = new Layers(services);
  return {
    PublishLayerVersion: (input) => services.code.hold(() => layers.publish(input)),
    GetLayerVersion: (input) => layers.get(input),
    GetLayerVersionByArn: (input) => layers.getByArn(input),
    ListLayers: (input) => layers.list(input),
    ListLayerVersions: (input) => layers.listVersions(input),
    DeleteLayerVersion: (input) => layers.remove(input),
  };
}

/** Key of decisions about a layer; no function has such a name. */
export function decisionKey(name: string): string {
  return `layer ${name}`;
}

class Layers {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  async publish(input: In<"PublishLayerVersion">): Promise<Out<"PublishLayerVersion">> {
    const { scope, store, changes, clock, random } = this.#services;
    const name = parseLayerName(scope, input.LayerName);
    const code = await fetchCode(this.#services, input.Content, "layer content");
    const published = await changes.decide(decisionKey(name), async () => {
      const layer = await store.getAccountEntry("layer", name);
      const number = (layer?.lastVersion ?? 0) + 1;
      const record: LayerVersionRecord = {
        id: layerVersionId(name, number),
        name,
        version: number,
        description: input.Description ?? "",
        createdAtMs: clock.nowMs(),
        licenseInfo: input.LicenseInfo ?? null,
        compatibleRuntimes: input.CompatibleRuntimes ?? null,
        compatibleArchitectures: input.CompatibleArchitectures ?? null,
        code,
        policy: [],
        revisionId: random.uuid(),
      };
      return {
        writes: [
          { op: "put", kind: "layer", record: { id: name, lastVersion: number }, over: layer },
          { op: "put", kind: "layerVersion", record, over: null },
        ],
        result: record,
      };
    });
    return this.#present(published);
  }

  async get(input: In<"GetLayerVersion">): Promise<Out<"GetLayerVersion">> {
    const name = parseLayerName(this.#services.scope, input.LayerName);
    checkNumber(input.VersionNumber);
    return this.#find(name, input.VersionNumber);
  }

  async getByArn(input: In<"GetLayerVersionByArn">): Promise<Out<"GetLayerVersionByArn">> {
    const parts = parseLayerArn(input.Arn);
    if (parts === null || parts.version === null) throw nothing();
    checkReach(this.#services.scope, parts, input.Arn);
    checkNumber(parts.version);
    return this.#find(parts.name, parts.version);
  }

  async list(input: In<"ListLayers">): Promise<Out<"ListLayers">> {
    const { scope } = this.#services;
    const newest = new Map<string, LayerVersionRecord>();
    for (const record of await this.#matching(input)) {
      if ((newest.get(record.name)?.version ?? 0) < record.version) newest.set(record.name, record);
    }
    const all = [...newest.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const page = pageOf({ list: `layers ${filterText(input)}`, all, placeOf: ({ name }) => [name] }, input);
    return {
      Layers: page.items.map((record) => ({
        LayerName: record.name,
        LayerArn: layerArn(scope, record.name),
        LatestMatchingVersion: this.#presentListed(record),
      })),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  async listVersions(input: In<"ListLayerVersions">): Promise<Out<"ListLayerVersions">> {
    const name = parseLayerName(this.#services.scope, input.LayerName);
    const ofLayer = (await this.#matching(input)).filter((record) => record.name === name);
    // The newest first (recorded …TestLambdaLayer.test_layer_lifecycle).
    const all = ofLayer.toSorted((a, b) => b.version - a.version);
    const list = `layer versions ${name} ${filterText(input)}`;
    const page = pageOf({ list, all, placeOf: ({ version }) => [-version] }, input);
    return {
      LayerVersions: page.items.map((record) => this.#presentListed(record)),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  /** A version that is not there is as good as deleted. Functions that have it keep what it holds. */
  async remove(input: In<"DeleteLayerVersion">): Promise<Out<"DeleteLayerVersion">> {
    const { scope, store, changes } = this.#services;
    const name = parseLayerName(scope, input.LayerName);
    checkNumber(input.VersionNumber);
    await changes.decide(decisionKey(name), async () => {
      const record = await store.getAccountEntry("layerVersion", layerVersionId(name, input.VersionNumber));
      return {
        writes: record === null ? [] : [{ op: "remove", kind: "layerVersion", record }],
        result: undefined,
      };
    });
    return {};
  }

  async #find(name: string, version: number): Promise<GetLayerVersionResponse> {
    const found = await this.#services.store.getAccountEntry("layerVersion", layerVersionId(name, version));
    if (found === null) throw nothing();
    return this.#present(found);
  }

  async #matching(filter: Filter): Promise<ReadonlyArray<Stored<LayerVersionRecord>>> {
    const { CompatibleRuntime: runtime, CompatibleArchitecture: architecture } = filter;
    return (await this.#services.store.listAccountEntries("layerVersion")).filter(
      ({ compatibleRuntimes, compatibleArchitectures }) =>
        (runtime === undefined || compatibleRuntimes?.includes(runtime) === true) &&
        (architecture === undefined || compatibleArchitectures?.includes(architecture) === true),
    );
  }

  #present(record: LayerVersionRecord): PublishLayerVersionResponse {
    const { codeName, codeSha256, codeSizeBytes } = record.code;
    return {
      Content: { Location: `/_thaw/v1/code/${codeName}`, CodeSha256: codeSha256, CodeSize: codeSizeBytes },
      LayerArn: layerArn(this.#services.scope, record.name),
      ...this.#presentListed(record),
    };
  }

  #presentListed(record: LayerVersionRecord): LayerVersionsListItem {
    const { compatibleRuntimes, compatibleArchitectures, licenseInfo } = record;
    return {
      LayerVersionArn: layerVersionArn(this.#services.scope, record.name, record.version),
      Version: record.version,
      Description: record.description,
      CreatedDate: formatTimestamp(record.createdAtMs),
      // AWS shows what was given.
      ...(compatibleRuntimes === null ? {} : { CompatibleRuntimes: compatibleRuntimes as readonly Runtime[] }),
      ...(compatibleArchitectures === null
        ? {}
        : { CompatibleArchitectures: compatibleArchitectures as readonly Architecture[] }),
      ...(licenseInfo === null ? {} : { LicenseInfo: licenseInfo }),
    };
  }
}

/** Throws an InvalidParameterValueException for a number that no version can have. */
export function checkNumber(version: number): void {
  if (version < 1) throw invalidParameter("Layer Version Cannot be less than 1");
}

function filterText({ CompatibleRuntime, CompatibleArchitecture }: Filter): string {
  return `${CompatibleRuntime ?? ""} ${CompatibleArchitecture ?? ""}`;
}

function nothing(): Error {
  return notFound("The resource you requested does not exist.");
}
