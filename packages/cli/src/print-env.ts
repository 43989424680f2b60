/** thaw env: what AWS clients need to know, as shell exports. */
import type { Connection } from "./connection.ts";
import { print } from "./table.ts";

export async function printEnv(connection: Connection): Promise<void> {
  const { accessKeyId, secretAccessKey } = await connection.credentials();
  const variables = {
    AWS_ENDPOINT_URL_LAMBDA: connection.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: connection.region,
    AWS_DEFAULT_REGION: connection.region,
  };
  print(
    Object.entries(variables)
      .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
      .join(""),
  );
}
