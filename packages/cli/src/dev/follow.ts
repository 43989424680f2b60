/** Invocations and log lines of a stack's functions as they come, also over a start of the server. */
import type { InvocationSummary } from "@thaw/thaw-api";
import { inMilliseconds } from "@thaw/thaw-api/waterfall";
import type { Connection } from "../connection.ts";
import { keepFollowing } from "../keep-following.ts";
import { print } from "../table.ts";
import { readable } from "../terminal.ts";

/** What the line of the invocation says, too. In JSON they are objects with a type. */
const PLATFORM =
  /^(?:(?:START|END|REPORT|INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT)\b|\{"time":"[^"]*","type":"platform\.)/;

export interface FollowOptions {
  readonly isOurs: (functionName: string) => boolean;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves when the signal ends it. */
export async function follow(connection: Connection, options: FollowOptions): Promise<void> {
  const { thaw } = connection;
  const { isOurs, say, signal } = options;
  // The command goes on with saves whatever comes of this.
  const keepOn = (what: string, read: () => Promise<void>): Promise<void> =>
    keepFollowing({ what, read, isFinal: () => false, say, signal });
  // Null until the server has answered once: what was before is not shown.
  let after: number | null = null;
  const ofInvocations = keepOn("invocations", async () => {
    after ??= (await thaw.call("listInvocations", { query: { limit: 1 } })).invocations[0]?.sequence ?? 0;
    for await (const line of thaw.lines("followInvocations", { query: { after }, signal })) {
      if ("skipped" in line) print(`${line.skipped} invocations were left out: this terminal is too slow\n`);
      else {
        after = line.sequence;
        if (isOurs(line.functionName)) print(describe(line));
      }
    }
  });
  const ofLogs = keepOn("logs", async () => {
    for await (const line of thaw.lines("followLogs", { query: {}, signal })) {
      if ("skipped" in line) print(`${line.skipped} log events were left out: this terminal is too slow\n`);
      else if (isOurs(line.functionName) && !(line.origin === "platform" && PLATFORM.test(line.message)))
        print(logLine(line.timestampMs, line.functionName, line.message));
    }
  });
  await Promise.all([ofInvocations, ofLogs]);
}

function describe(invocation: InvocationSummary): string {
  const { startedAtMs, functionName, version, start, outcome, errorType, totalMs, durationMs, requestId } = invocation;
  const ended = errorType === null ? outcome : `${outcome} (${errorType})`;
  const parts = [`${functionName}${version === "$LATEST" ? "" : `:${version}`}`, start ?? "not started", ended];
  const times = `${inMilliseconds(totalMs)}${durationMs === null ? "" : `, ${inMilliseconds(durationMs)} of it the handler`}`;
  return `${timeOf(startedAtMs)} ${parts.join("  ")}  ${times}  ${requestId}\n`;
}

/** Further lines are indented: none of them can pass for another event. */
function logLine(timestampMs: number, functionName: string, message: string): string {
  const head = `${timeOf(timestampMs)} ${functionName} | `;
  const text = readable(message.replace(/\n$/, ""), process.stdout);
  return `${head}${text.replaceAll("\n", `\n${" ".repeat(head.length)}`)}\n`;
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 23);
}
