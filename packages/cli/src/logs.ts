/** thaw logs NAME[:QUALIFIER] [--since TIME] [--filter PATTERN] [--follow] */
import type { LogEvent } from "@thaw/thaw-api";
import { Unseen } from "@thaw/thaw-api/unseen";
import type { Connection } from "./connection.ts";
import { followUntilInterrupted } from "./keep-following.ts";
import { parseFilter } from "./logs-filter.ts";
import { parseSince } from "./logs-since.ts";
import { print } from "./table.ts";
import { readable } from "./terminal.ts";

const STREAM_LENGTH = 8;
const SINCE_DEFAULT = "10m";

export interface LogsOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly filter?: string;
  readonly json: boolean;
}

export async function showLogs(connection: Connection, name: string, options: LogsOptions): Promise<void> {
  const nowMs = Date.now();
  const isWanted = options.filter === undefined ? () => true : parseFilter(options.filter);
  const since = parseSince(options.since ?? SINCE_DEFAULT, nowMs);
  const parameters = { function: name };
  const show = (event: LogEvent): boolean => {
    if (!isWanted(event.message)) return false;
    print(options.json ? `${JSON.stringify(event)}\n` : formatEvent(event, nowMs, process.stdout));
    return true;
  };
  if (options.follow === true) return followLog(connection, parameters, since, show);
  let count = 0;
  for await (const event of connection.thaw.lines("readLogs", { parameters, query: { since } }))
    if (show(event)) count++;
  if (count === 0 && !options.json) process.stderr.write(nothingFound(name, options));
}

/** Shows each event once, also those that are written while the server does not answer. */
function followLog(
  { thaw }: Connection,
  parameters: { readonly function: string },
  since: number,
  show: (event: LogEvent) => void,
): Promise<void> {
  const unseen = new Unseen(since);
  return followUntilInterrupted(
    "logs",
    (signal) => {
      unseen.begin();
      return thaw.open("readLogs", { parameters, query: { since: unseen.sinceMs, follow: true }, signal });
    },
    (event) => {
      if (unseen.take(event)) show(event);
    },
  );
}

/** Says that nothing is there to be shown, and how to see more: silence could mean that the function never ran. */
function nothingFound(name: string, { since, filter }: LogsOptions): string {
  const span = since === undefined ? `in the last ${SINCE_DEFAULT} (--since 1d looks further back)` : `since ${since}`;
  return `${name}: no log events ${span}${filter === undefined ? "" : ` that match ${filter}`}\n`;
}

/**
 * Formats an event as `12:30:01.123 [3]1a2b3c4d  message`, with the date before it where that is not today's. On a
 * terminal the further lines of a message are indented: none of them can pass for another event.
 */
export function formatEvent(event: LogEvent, nowMs: number, stream: NodeJS.WriteStream): string {
  const time = new Date(event.timestampMs).toISOString();
  const isToday = time.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10);
  const name = event.logStream.split("/").at(-1) ?? "";
  const end = name.indexOf("]") + 1;
  const head = `${isToday ? "" : `${time.slice(0, 10)} `}${time.slice(11, 23)} ${name.slice(0, end + STREAM_LENGTH)}  `;
  // A client may have put one with its line break.
  const message = readable(event.message.replace(/\n$/, ""), stream);
  return `${head}${stream.isTTY ? message.replaceAll("\n", `\n${" ".repeat(head.length)}`) : message}\n`;
}
