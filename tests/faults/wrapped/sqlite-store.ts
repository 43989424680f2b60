/** The metadata store with a point before each write that matters, and one after its commit. */
import { LATEST } from "@thaw/server/testing/model";
import type { MetadataStore } from "@thaw/server/testing/ports";
import { openSqliteStore as open } from "@thaw/server/testing/store";
import { reachNow } from "../reach.ts";

const toError = (message: string): Error => Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR" });

export function openSqliteStore(path: string): MetadataStore {
  const store = open(path);
  let depth = 0;
  let written: string[] = [];

  const commit = <T>(run: () => T): T => {
    depth++;
    let done: T;
    try {
      done = run();
    } catch (error) {
      if (depth === 1) written = [];
      throw error;
    } finally {
      depth--;
    }
    if (depth > 0) return done;
    const points = written;
    written = [];
    for (const point of points) reachNow(`${point}.committed`, toError);
    return done;
  };
  const write = <T>(point: string, run: () => T): T => {
    reachNow(point, toError);
    written.push(point);
    return commit(run);
  };

  return new Proxy(store, {
    get(target, name) {
      switch (name) {
        case "transaction":
          return <T>(run: () => T): T => commit(() => target.transaction(run));
        case "putVersion":
          return (record: Parameters<MetadataStore["putVersion"]>[0]): void =>
            record.version === LATEST
              ? target.putVersion(record)
              : write(`row.${record.state.toLowerCase()}`, () => target.putVersion(record));
        case "removeFunction":
          return (function_: string): void => write("row.removed", () => target.removeFunction(function_));
        case "addEvent":
          return (event: Parameters<MetadataStore["addEvent"]>[0]) =>
            write("event.accepted", () => target.addEvent(event));
        case "removeEvent":
          return (id: number): void => write("event.done", () => target.removeEvent(id));
        default: {
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        }
      }
    },
  });
}
