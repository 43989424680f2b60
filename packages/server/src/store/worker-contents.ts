/** The contents of a worker on another host than its control plane: packages that it was sent, unpacked and merged. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { WorkerContents } from "../ports/worker-contents.ts";
import type { CodeDirectory } from "./code-directory.ts";

/** Of packages; roots of images are none. */
const CODE_NAME = /^code-[0-9a-f]{40}$/;

export function createWorkerContents(dataDir: string, code: Pick<CodeDirectory, "bring" | "merge">): WorkerContents {
  /** Found or made since the start: nothing takes them away while the worker runs. */
  const here = new Set<string>();
  const has = async (codeName: string): Promise<boolean> => {
    if (here.has(codeName)) return true;
    const found = CODE_NAME.test(codeName) && (await isThere(join(dataDir, "code", codeName)));
    if (found) here.add(codeName);
    return found;
  };
  return {
    async prepare({ codeName, optName, layerNames }) {
      if (here.has(codeName) && (optName === null || here.has(optName))) return [];
      const missing: string[] = [];
      for (const name of new Set([codeName, ...layerNames])) if (!(await has(name))) missing.push(name);
      if (missing.length > 0 || optName === null) return missing;
      await code.merge(optName, layerNames);
      here.add(optName);
      return [];
    },
    async bring(codeName, zip) {
      if (!CODE_NAME.test(codeName)) throw new Error(`a package can't have the name ${codeName}`);
      await code.bring(codeName, zip);
      here.add(codeName);
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
