/** thaw logs NAME [--follow] */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { Connection } from "./connection.ts";
import { print } from "./table.ts";

interface LogEvent {
  readonly timestampMs: number;
  readonly logStream: string;
  readonly message: string;
}

const STREAM_LENGTH = 8;

export async function showLogs(
  connection: Connection,
  name: string,
  options: { follow?: boolean; since?: number; json: boolean },
): Promise<void> {
  const since = options.since === undefined ? {} : { since: String(Date.now() - options.since * 60_000) };
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const query = { ...since, ...(options.follow === true ? { follow: "1" } : {}) };
  const response = await connection.admin("GET", `logs/${encodeURIComponent(name)}`, { query, signal: stop.signal });
  if (response.body === null) return;
  try {
    for await (const line of createInterface({
      input: Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
    }))
      print(options.json ? `${line}\n` : format(JSON.parse(line) as LogEvent));
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
