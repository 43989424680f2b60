/** A store of objects that has none, for tests that are not about them. */
import type { ObjectStore } from "@thaw/server/testing/ports";

const NONE: Partial<ObjectStore> = {
  findBucket: async () => null,
  events: { list: async () => [], remove: async () => undefined, listen: () => undefined },
  find: async () => null,
};

export const noObjects: ObjectStore = new Proxy(NONE as ObjectStore, {
  get(target, name) {
    const method: unknown = Reflect.get(target, name);
    if (method === undefined) throw new Error(`this test's store of objects has no ${String(name)}`);
    return method;
  },
});
