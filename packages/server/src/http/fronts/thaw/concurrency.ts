/** provisioned */
import type { Handlers, ScopedServices } from "./handlers.ts";
import { isWanted, pageOf } from "./pages.ts";

/** Makes the handlers of the routes about provisioned concurrency. */
export function concurrencyHandlers({ control }: ScopedServices): Handlers<"listProvisioned"> {
  return {
    async listProvisioned({ query }) {
      const idOf = (each: { readonly functionName: string; readonly qualifier: string }): string =>
        `${each.functionName}:${each.qualifier}`;
      const wanted = (await control.provisioned.summaries()).filter(
        (each) =>
          isWanted(query.function, each.functionName) &&
          isWanted(query.version, each.qualifier) &&
          isWanted(query.id, idOf(each)),
      );
      const { items, more } = pageOf(wanted, idOf, query);
      return { provisioned: items, ...more };
    },
  };
}
