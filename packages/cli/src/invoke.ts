/** thaw invoke: the payload on standard output, the log on standard error. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { readFileSync } from "node:fs";
import type { Connection } from "./connection.ts";
import { print, printJson } from "./table.ts";

export interface InvokeOptions {
  readonly event?: boolean;
  readonly quiet?: boolean;
  readonly json: boolean;
}

export async function invoke(
  connection: Connection,
  name: string,
  payload: string,
  options: InvokeOptions,
): Promise<void> {
  const text =
    payload === "-" ? readFileSync(0) : payload.startsWith("@") ? readFileSync(payload.slice(1)) : Buffer.from(payload);
  const answer = await connection.lambda.send(
    new InvokeCommand({
      FunctionName: name,
      Payload: text,
      ...(options.event === true ? { InvocationType: "Event" as const } : { LogType: "Tail" as const }),
    }),
  );
  const log = Buffer.from(answer.LogResult ?? "", "base64").toString("utf8");
  const body = Buffer.from(answer.Payload ?? new Uint8Array()).toString("utf8");
  if (options.json) {
    printJson({
      statusCode: answer.StatusCode,
      executedVersion: answer.ExecutedVersion,
      functionError: answer.FunctionError,
      payload: body === "" ? null : JSON.parse(body),
      log,
    });
  } else {
    if (options.quiet !== true && log !== "") process.stderr.write(log.endsWith("\n") ? log : `${log}\n`);
    print(options.event === true ? "accepted\n" : `${body}\n`);
  }
  if (answer.FunctionError !== undefined) process.exitCode = 1;
}
