/** health, host, metrics, runtimes */
import type { Handlers, ThawApiServices } from "./handlers.ts";
import { isWanted, pageOf } from "./pages.ts";

/** Makes the handlers of the routes about the host and its runtimes. */
export function hostHandlers({
  control,
  describeHost,
  figures,
}: ThawApiServices): Handlers<"getHealth" | "describeHost" | "readMetrics" | "listRuntimes"> {
  return {
    getHealth: () => ({ status: "ok" }),
    describeHost: () => describeHost(),
    async readMetrics() {
      return { contentType: figures.contentType, bytes: Buffer.from(await figures.text()) };
    },
    async listRuntimes({ query }) {
      const wanted = (await control.runtimes.releases()).filter(
        (each) => isWanted(query.runtime, each.runtime) && isWanted(query.id, each.name),
      );
      const { items, more } = pageOf(wanted, (each) => each.name, query);
      return { releases: items, ...more };
    },
  };
}
