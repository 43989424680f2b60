/**
 * The far store with a point before each call that changes or brings something, named by what the key is, and one after
 * a manifest is there.
 */
import { type SnapshotStore, SnapshotStoreError } from "@thaw/server/testing/ports";
import { createDirectoryStore as create } from "@thaw/server/testing/directory-store";
import { reach } from "../reach.ts";

/** Not one that goes by itself: that would be tried again at once. */
const toError = (message: string): Error =>
  new SnapshotStoreError("STORE_REFUSED", { store: "faults" }, new Error(message));

/** Whose store it is, and the list of chunks that may go one day: nothing hangs on them. */
const UNTOLD = new Set(["installation", "orphan"]);

export function createDirectoryStore(root: string): SnapshotStore {
  const store = create(root);
  const at = async (verb: string, key: string): Promise<void> => {
    const kind = kindOf(key);
    if (!UNTOLD.has(kind)) await reach(`far.${verb}-${kind}`, toError);
  };
  return {
    ...store,
    async put(key, content, signal) {
      await at("put", key);
      await store.put(key, content, signal);
      if (kindOf(key) === "manifest") await at("have", key);
    },
    async get(key, sizeBytesMax, signal) {
      await at("get", key);
      return store.get(key, sizeBytesMax, signal);
    },
    async remove(key, signal) {
      await at("remove", key);
      await store.remove(key, signal);
    },
  };
}

/** chunk, draft, collecting, orphans, manifest, early, working-set. */
function kindOf(key: string): string {
  const [folder = "", , file = ""] = key.split("/");
  return folder === "snapshots" ? file.replace(/-\d+$/, "") : folder.replace(/s$/, "");
}
