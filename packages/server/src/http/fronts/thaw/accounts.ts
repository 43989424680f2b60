/** accounts, accounts/add, accounts/rotate, accounts/remove */
import { conflict } from "../../../model/api-error.ts";
import type { Scopes } from "../../scopes.ts";
import type { Handlers, ScopedServices } from "./handlers.ts";
import { isWanted, pageOf } from "./pages.ts";

type AccountRoute = "listAccounts" | "addAccount" | "rotateAccount" | "removeAccount";

/** Makes the handlers of the routes about accounts. */
export function accountHandlers({ accounts, scopes }: ScopedServices): Handlers<AccountRoute> {
  return {
    listAccounts({ query }) {
      const wanted = accounts.list().filter((each) => isWanted(query.id, each.accountId, each.name));
      const { items, more } = pageOf(wanted, (each) => each.accountId, query);
      return { accounts: items, ...more };
    },
    async addAccount({ body }) {
      // What an account of this number has left behind is not for the next one.
      if (!accounts.has(body.accountId) && (await usedBy(scopes, body.accountId)) === null)
        await scopes.remove(body.accountId);
      return accounts.add(body.accountId, body.name ?? "");
    },
    rotateAccount: ({ body }) => accounts.rotate(body.accountId, body.immediate === true),
    async removeAccount({ body }) {
      const used = await usedBy(scopes, body.accountId);
      if (used !== null) throw conflict(`The account ${body.accountId} still has ${used}. Delete them first.`);
      accounts.remove(body.accountId);
      await scopes.remove(body.accountId);
      return { accounts: accounts.list() };
    },
  };
}

/** Says in words what an account has; null: nothing that would go on by itself without it. */
async function usedBy(scopes: Scopes, accountId: string): Promise<string | null> {
  for (const { control } of scopes.all().filter((each) => each.control.scope.accountId === accountId)) {
    const used = await control.contents.describe();
    if (used !== null) return `${used} in ${control.scope.region}`;
  }
  return null;
}
