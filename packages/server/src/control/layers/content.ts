/** What functions and layers have on disk: what is kept, and what is made good at the start. */
import type { VersionRecord } from "../../model/function-record.ts";
import { optNameOf } from "../../model/layer-record.ts";
import type { Write } from "../../ports/metadata-store.ts";
import { FunctionLayers } from "../records/function-layers.ts";
import type { ControlServices } from "../services.ts";

/**
 * Names of all contents that a version of a function or of a layer has, and of the layers that are merged for one; an
 * image has the layers of its own. A
 * version of a function keeps its layers, whether or not they have been deleted.
 *
 * @param versions - All of the store, where somebody has just read them.
 */
export async function usedContent(
  { store }: Pick<ControlServices, "store">,
  versions?: readonly VersionRecord[],
): Promise<ReadonlySet<string>> {
  const names = new Set((await store.listAccountEntries("layerVersion")).map(({ code }) => code.codeName));
  for (const version of versions ?? (await store.listAllVersions()))
    for (const name of contentOf(version)) names.add(name);
  return names;
}

/** True where a write may leave a content without a name. */
export function leavesContent(write: Write): boolean {
  if (write.op === "remove") return write.kind === "version" || write.kind === "layerVersion";
  if (write.op !== "put" || write.kind !== "version" || write.over === null) return false;
  const kept = new Set(contentOf(write.record));
  return contentOf(write.over).some((name) => !kept.has(name));
}

function contentOf({ code, config }: Pick<VersionRecord, "code" | "config">): readonly string[] {
  const layers = config.layers ?? [];
  const optName = optNameOf(layers);
  return [
    code.codeName,
    ...(code.image?.layerNames ?? []),
    ...layers.map(({ codeName }) => codeName),
    ...(optName === null ? [] : [optName]),
  ];
}

/**
 * Merges again what is not there, of the functions that have layers: another release of Thaw merged it in another way,
 * or the data directory was copied without it. A function whose layer can't be had is reported, and the others are none
 * the worse.
 */
export async function restoreLayers(
  services: Pick<ControlServices, "scope" | "store" | "code" | "sharedLayer" | "onProblem">,
  versions: readonly VersionRecord[],
): Promise<void> {
  const layers = new FunctionLayers(services);
  for (const { functionName, version, config } of versions) {
    try {
      await layers.merge(config);
    } catch (error) {
      services.onProblem(`merge the layers of ${functionName}:${version}`, error);
    }
  }
}
