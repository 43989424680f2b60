/** thaw keys ls | create | enable | disable | delete: the master keys that the server holds itself. */
import type { Connection } from "./connection.ts";
import { formatTable, print, printJson } from "./table.ts";

interface LocalKey {
  readonly arn: string | null;
  readonly state: string;
}

/** The installation's own key has no ARN. */
const OWN_KEY = "default";

export async function listKeys(connection: Connection, json: boolean): Promise<void> {
  const { keys } = (await (await connection.admin("GET", "keys")).json()) as { keys: LocalKey[] };
  show(keys, json);
}

export async function changeKey(
  connection: Connection,
  action: "create" | "enable" | "disable" | "delete",
  arn: string,
  json: boolean,
): Promise<void> {
  const body = Buffer.from(JSON.stringify({ arn: arn === OWN_KEY ? null : arn }));
  const { keys } = (await (await connection.admin("POST", `keys/${action}`, { body })).json()) as { keys: LocalKey[] };
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
