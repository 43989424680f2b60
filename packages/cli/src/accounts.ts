/** thaw accounts ls | add | rotate | rm: the accounts of the installation and their access keys. */
import type { AnswerOf } from "@thaw/thaw-api";
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

type Summaries = AnswerOf<"removeAccount">["accounts"];

export async function listAccounts(connection: Connection, json: boolean): Promise<void> {
  const { accounts } = await connection.thaw.call("listAccounts", {});
  show(accounts, json);
}

export async function addAccount(
  connection: Connection,
  accountId: string,
  { name, json }: { readonly name?: string; readonly json: boolean },
): Promise<void> {
  const body = { accountId, ...(name === undefined ? {} : { name }) };
  showKey(await connection.thaw.call("addAccount", { body }), connection.region, json);
}

export async function rotateAccount(
  connection: Connection,
  accountId: string,
  { now, json }: { readonly now?: boolean; readonly json: boolean },
): Promise<void> {
  const body = { accountId, immediate: now === true };
  showKey(await connection.thaw.call("rotateAccount", { body }), connection.region, json);
}

export async function removeAccount(connection: Connection, accountId: string, json: boolean): Promise<void> {
  const { accounts } = await connection.thaw.call("removeAccount", { body: { accountId } });
  show(accounts, json);
}

function show(accounts: Summaries, json: boolean): void {
  if (json) printJson(accounts);
  else
    print(
      formatTable(
        ["ACCOUNT", "NAME", "KEYS", "MADE"],
        accounts.map(({ accountId, name, isHome, accessKeys }) => [
          accountId,
          isHome ? "(home)" : name,
          accessKeys.map(({ accessKeyId }) => accessKeyId).join(" "),
          accessKeys
            .map(({ createdAtMs }) => (createdAtMs === null ? "-" : new Date(createdAtMs).toISOString().slice(0, 10)))
            .join(" "),
        ]),
      ),
    );
}

/** As a profile for ~/.aws/credentials: the secret is never shown again. */
function showKey(key: AnswerOf<"addAccount">, region: string, json: boolean): void {
  if (json) printJson(key);
  else
    print(
      `[${key.accountId}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\nregion = ${region}\n`,
    );
}
