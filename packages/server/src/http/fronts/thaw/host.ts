/** health, host, metrics, runtimes */
import type { Handlers, ScopedServices } from "./handlers.ts";
import type { ReleaseSummary } from "../../../control/operator/runtimes.ts";
import type { Scopes } from "../../scopes.ts";
import { isWanted, pageOf } from "./pages.ts";

/** Makes the handlers of the routes about the host and its runtimes. */
export function hostHandlers({
  scopes,
  describeHost,
  figures,
}: ScopedServices): Handlers<"getHealth" | "describeHost" | "readMetrics" | "listRuntimes"> {
  return {
    getHealth: () => ({ status: "ok" }),
    describeHost: () => describeHost(),
    async readMetrics() {
      return { contentType: figures.contentType, bytes: Buffer.from(await figures.text()) };
    },
    async listRuntimes({ query }) {
      const wanted = (await releasesOf(scopes)).filter(
        (each) => isWanted(query.runtime, each.runtime) && isWanted(query.id, each.name),
      );
      const { items, more } = pageOf(wanted, (each) => each.name, query);
      return { releases: items, ...more };
    },
  };
}

/** Releases are the host's, snapshots of each scope's functions need them. */
async function releasesOf(scopes: Scopes): Promise<readonly ReleaseSummary[]> {
  const all = await Promise.all(scopes.all().map(({ control }) => control.runtimes.releases()));
  const [first = [], ...others] = all;
  return first.map((release) => ({
    ...release,
    snapshots: others
      .flat()
      .filter(({ name }) => name === release.name)
      .reduce((sum, { snapshots }) => sum + snapshots, release.snapshots),
  }));
}
