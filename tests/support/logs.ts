/** The CloudWatch Logs API of a server, asked without a client of AWS. */
import { signRequest } from "@thaw/aws-api";
import type { ThawServer } from "../../tools/thaw-server.ts";

/** Gives the answer of an operation. Rejects where it is refused. */
export async function askLogs(
  { endpoint, env }: Pick<ThawServer, "endpoint" | "env">,
  operation: string,
  input: object,
): Promise<Readonly<Record<string, unknown>>> {
  const body = Buffer.from(JSON.stringify(input));
  const target = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `Logs_20140328.${operation}` };
  const headers = signRequest(
    { method: "POST", path: "/", query: "", headers: { host: new URL(endpoint).host, ...target }, body },
    { accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "", secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "" },
    "us-east-1",
    Date.now(),
    "logs",
  );
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { ...headers, connection: "close" },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${operation}: ${response.status} ${text}`);
  return text === "" ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
}
