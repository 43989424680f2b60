/** keys, keys/create, keys/enable, keys/disable, keys/delete */
import type { AnswerOf } from "@thaw/thaw-api";
import { invalidParameter } from "../../../model/api-error.ts";
import type { Handlers, ScopedServices } from "./handlers.ts";
import { isWanted, pageOf } from "./pages.ts";

type KeyRoute = "listKeys" | "createKey" | "enableKey" | "disableKey" | "deleteKey";

/** Makes the handlers of the routes about master keys. */
export function keyHandlers({ control: { keys } }: ScopedServices): Handlers<KeyRoute> {
  const all = (): AnswerOf<"createKey"> => ({ keys: keys.list() });
  return {
    listKeys({ query }) {
      const idOf = (each: { readonly arn: string | null }): string => each.arn ?? "default";
      const wanted = keys.list().filter((each) => isWanted(query.state, each.state) && isWanted(query.id, idOf(each)));
      const { items, more } = pageOf(wanted, idOf, query);
      return { keys: items, ...more };
    },
    createKey({ body }) {
      keys.create(notOwn(body.arn));
      return all();
    },
    enableKey({ body }) {
      keys.setState(body.arn, "Enabled");
      return all();
    },
    disableKey({ body }) {
      keys.setState(body.arn, "Disabled");
      return all();
    },
    deleteKey({ body }) {
      keys.remove(notOwn(body.arn));
      return all();
    },
  };
}

function notOwn(arn: string | null): string {
  if (arn === null) throw invalidParameter("The installation's own key is always there.");
  return arn;
}
