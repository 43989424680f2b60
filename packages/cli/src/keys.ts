/** thaw keys ls | create | enable | disable | delete: the master keys that the server holds itself. */
import type { LocalKey } from "@thaw/thaw-api";
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

/** The installation's own key has no ARN. */
const OWN_KEY = "default";

const ROUTES_OF = { create: "createKey", enable: "enableKey", disable: "disableKey", delete: "deleteKey" } as const;

export async function listKeys(connection: Connection, json: boolean): Promise<void> {
  const { keys } = await connection.thaw.call("listKeys", {});
  show(keys, json);
}

export async function changeKey(
  connection: Connection,
  action: "create" | "enable" | "disable" | "delete",
  arn: string,
  json: boolean,
): Promise<void> {
  const body = { arn: arn === OWN_KEY ? null : arn };
  const { keys } = await connection.thaw.call(ROUTES_OF[action], { body });
  show(keys, json);
}

function show(keys: readonly LocalKey[], json: boolean): void {
  if (json) printJson(keys);
  else
    print(
      formatTable(
        ["KEY", "STATE"],
        keys.map(({ arn, state }) => [arn ?? OWN_KEY, state]),
      ),
    );
}
