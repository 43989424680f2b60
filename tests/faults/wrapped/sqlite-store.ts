/** The metadata store with a point before each write that matters, and one after its commit; its stacks likewise. */
import { LATEST } from "@thaw/server/testing/model";
import type { MetadataStore, StackStore, StackWrite, Write } from "@thaw/server/testing/ports";
import { openSqliteStore as open } from "@thaw/server/testing/store";
import { reachNow } from "../reach.ts";

const toError = (message: string): Error => Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR" });

export function openSqliteStore(path: string): MetadataStore {
  const store = open(path);
  const commit = withPoints<Write>((writes) => store.commit(writes), pointOf);
  const stacks = replaced(store.stacks, {
    commit: withPoints<StackWrite>((writes) => store.stacks.commit(writes), stackPointOf),
  } satisfies Pick<StackStore, "commit">);
  return replaced(store, { commit, stacks });
}

type Committing<T> = (writes: readonly T[]) => ReturnType<MetadataStore["commit"]>;

function withPoints<T>(commit: Committing<T>, pointIn: (write: T) => string | null): Committing<T> {
  return async (writes) => {
    const points = new Set(writes.flatMap((write) => pointIn(write) ?? []));
    for (const point of points) reachNow(point, toError);
    const committed = await commit(writes);
    if (committed === "done") for (const point of points) reachNow(`${point}.committed`, toError);
    return committed;
  };
}

/** The same object but for these members. */
function replaced<T extends object>(whole: T, members: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** As a file's name. */
function stackPoint(...parts: readonly string[]): string {
  return ["stack", ...parts].join(".").replaceAll(/[^\w.-]/g, "-");
}

/** By the state that a resource or the stack comes to. */
function stackPointOf(write: StackWrite): string | null {
  switch (write.op) {
    case "putPart":
      return write.kind === "resource" ? stackPoint(write.key, write.part.status) : null;
    case "removePart":
      return write.kind === "resource" ? stackPoint(write.key, "removed") : null;
    case "putStack":
      return stackPoint(write.record.status);
    default:
      return null;
  }
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
