/**
 * thaw env: shell commands after which AWS clients and `thaw` use this server. What AWS's tools would take before these
 * keys, or send along with them, is unset.
 */
import type { Connection } from "./connection.ts";
import { print } from "./table.ts";

/** Throws a CommandError when no credentials of the server are known. */
export async function printEnv(connection: Connection): Promise<void> {
  const { accessKeyId, secretAccessKey } = await connection.credentials();
  const variables = {
    THAW_ENDPOINT: connection.endpoint,
    THAW_ACCESS_KEY_ID: accessKeyId,
    THAW_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_LAMBDA: connection.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: connection.region,
    AWS_DEFAULT_REGION: connection.region,
  };
  print("unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE\n");
  print(
    Object.entries(variables)
      .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
      .join(""),
  );
}
