/** The metadata store with a point before each write that matters, and one after its commit. */
import { LATEST } from "@thaw/server/testing/model";
import type { MetadataStore, Write } from "@thaw/server/testing/ports";
import { openSqliteStore as open } from "@thaw/server/testing/store";
import { reachNow } from "../reach.ts";

const toError = (message: string): Error => Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR" });

export function openSqliteStore(path: string): MetadataStore {
  const store = open(path);
  const commit: MetadataStore["commit"] = async (writes) => {
    const points = writes.flatMap((write) => pointOf(write) ?? []);
    for (const point of points) reachNow(point, toError);
    const committed = await store.commit(writes);
    if (committed === "done") for (const point of points) reachNow(`${point}.committed`, toError);
    return committed;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === "commit") return commit;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function pointOf(write: Write): string | null {
  switch (write.op) {
    case "put":
      return write.kind === "version" && write.record.version !== LATEST
        ? `row.${write.record.state.toLowerCase()}`
        : null;
    case "remove":
      return write.kind === "function" ? "row.removed" : null;
    case "addEvent":
      return "event.accepted";
    case "removeEvent":
      return "event.done";
    default:
      return null;
  }
}
