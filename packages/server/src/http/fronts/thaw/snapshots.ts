/** snapshots, snapshots/ID, snapshots/ID/verify */
import type { Handlers, ScopedServices } from "./handlers.ts";
import { isWanted, pageOf } from "./pages.ts";

/** Makes the handlers of the routes about snapshots. */
export function snapshotHandlers({
  control,
}: ScopedServices): Handlers<"listSnapshots" | "inspectSnapshot" | "verifySnapshot"> {
  return {
    async listSnapshots({ query }) {
      const idOf = (each: { readonly functionName: string; readonly version: string }): string =>
        `${each.functionName}:${each.version}`;
      const wanted = (await control.snapshots.list()).filter(
        (each) =>
          isWanted(query.function, each.functionName) &&
          isWanted(query.version, each.version) &&
          isWanted(query.state, each.status) &&
          isWanted(query.id, each.snapshotId, idOf(each)),
      );
      const { items, more } = pageOf(wanted, idOf, query);
      return { snapshots: items, ...more };
    },
    inspectSnapshot: ({ parameters }) => control.inspection.inspect(parameters.snapshot),
    verifySnapshot: ({ parameters, query }) => control.inspection.verify(parameters.snapshot, query.local === true),
  };
}
