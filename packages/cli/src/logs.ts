/** thaw logs NAME [--follow] */
import type { LogEvent } from "@thaw/thaw-api";
import type { Connection } from "./connection.ts";
import { print } from "./table.ts";

const STREAM_LENGTH = 8;

export async function showLogs(
  connection: Connection,
  name: string,
  options: { follow?: boolean; since?: number; json: boolean },
): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const { since, follow } = options;
  const query = {
    ...(since === undefined ? {} : { since: Math.max(0, Date.now() - since * 60_000) }),
    ...(follow === true ? { follow } : {}),
  };
  const events = connection.thaw.lines("readLogs", { parameters: { function: name }, query, signal: stop.signal });
  try {
    for await (const event of events) print(options.json ? `${JSON.stringify(event)}\n` : format(event));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}

/** `12:30:01.123 [3]1a2b3c4d  message` */
function format(event: LogEvent): string {
  const time = new Date(event.timestampMs).toISOString().slice(11, 23);
  const stream = event.logStream.split("/").at(-1) ?? "";
  const end = stream.indexOf("]") + 1;
  return `${time} ${stream.slice(0, end + STREAM_LENGTH)}  ${event.message}\n`;
}
