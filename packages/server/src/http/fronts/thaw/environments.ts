/** environments, environments/stop */
import type { Handlers, ScopedServices } from "./handlers.ts";
import { isWanted, pageOf } from "./pages.ts";

/** Makes the handlers of the routes about environments. */
export function environmentHandlers({ control }: ScopedServices): Handlers<"listEnvironments" | "stopEnvironments"> {
  return {
    async listEnvironments({ query }) {
      const wanted = (await control.environments.list()).filter(
        (each) =>
          isWanted(query.function, each.functionName) &&
          isWanted(query.version, each.version) &&
          isWanted(query.state, each.state) &&
          isWanted(query.id, each.environmentId),
      );
      const { items, more } = pageOf(wanted, (each) => each.environmentId, query);
      return { environments: items, ...more };
    },
    async stopEnvironments({ body }) {
      const stopped = await control.environments.stop({
        // Empty as well: the name of no function.
        functionName: body?.function || undefined,
        qualifier: body?.version || undefined,
        keepParked: body?.keepParked === true,
      });
      return { stopped };
    },
  };
}
