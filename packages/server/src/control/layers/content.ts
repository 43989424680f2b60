/** What functions and layers have on disk: kept, and made good, at the start. */
import { optNameOf } from "../../model/layer-record.ts";
import { FunctionLayers } from "../records/function-layers.ts";
import type { ControlServices } from "../services.ts";

/**
 * Names of all contents that a version of a function or of a layer has, and of the layers that are merged for one; an
 * image has the layers of its own. A
 * version of a function keeps its layers, whether or not they have been deleted.
 */
export async function usedContent({ store }: Pick<ControlServices, "store">): Promise<ReadonlySet<string>> {
  const names = new Set((await store.listAccountEntries("layerVersion")).map(({ code }) => code.codeName));
  for (const { code, config } of await store.listAllVersions()) {
    const layers = config.layers ?? [];
    for (const name of code.image?.layerNames ?? []) names.add(name);
    for (const name of [code.codeName, ...layers.map(({ codeName }) => codeName)]) names.add(name);
    const optName = optNameOf(layers);
    if (optName !== null) names.add(optName);
  }
  return names;
}

/**
 * Merges again what is not there, of the functions that have layers: another release of Thaw merged it in another way,
 * or the data directory was copied without it. A function whose layer can't be had is reported, and the others are none
 * the worse.
 */
export async function restoreLayers(
  services: Pick<ControlServices, "scope" | "store" | "code" | "sharedLayer" | "onProblem">,
): Promise<void> {
  const layers = new FunctionLayers(services);
  for (const { functionName, version, config } of await services.store.listAllVersions()) {
    try {
      await layers.merge(config);
    } catch (error) {
      services.onProblem(`merge the layers of ${functionName}:${version}`, error);
    }
  }
}
