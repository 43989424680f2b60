/** Which lines of a log are those of one request: plain prints of a function do not say so. */
import type { InvocationRecord } from "../../ports/invocation-history.ts";
import type { LogGroups, LogPosition } from "../../ports/log-groups.ts";
import type { LogEvent, WrittenLogEvent } from "../../ports/log-store.ts";

/** The part of a stream that a request has: an environment runs one at a time. */
export interface RequestSpan {
  readonly groupArn: string;
  readonly logStream: string;
  readonly fromMs: number;
  /** First time behind it. */
  readonly untilMs: number;
  has(position: LogPosition): boolean;
}

/**
 * Finds the lines of an invocation: from its first mention, or from its beginning where its environment was made for
 * it, to its last one. Null where it had no environment, or none of these groups has its stream.
 */
export async function spanOfRequest(
  logs: Pick<LogGroups, "readEvents">,
  run: InvocationRecord,
  groupArns: readonly string[],
): Promise<RequestSpan | null> {
  const { logStream, requestId, startedAtMs } = run;
  if (logStream === null) return null;
  for (const groupArn of groupArns) {
    const find = async (direction: "forward" | "backward"): Promise<LogPosition | null | undefined> => {
      const page = await logs.readEvents({
        groupArn,
        streams: { names: [logStream] },
        fromMs: startedAtMs,
        untilMs: null,
        from: null,
        direction,
        countMax: 1,
        filterPattern: `"${requestId.replaceAll(/[\\"]/g, "\\$&")}"`,
      });
      return typeof page === "string" ? undefined : (page.events[0] ?? null);
    };
    const first = await find("forward");
    if (first === undefined) continue;
    const last = await find("backward");
    const isCold = run.start === "restored" || run.start === "initialised";
    const fromMs = isCold || first === null ? startedAtMs : first.timestampMs;
    const endMs = last?.timestampMs ?? startedAtMs + Math.ceil(run.totalMs);
    return {
      groupArn,
      logStream,
      fromMs,
      untilMs: endMs + 1,
      has: (position) => (isCold || isAt(position, first, 1)) && isAt(position, last ?? null, -1),
    };
  }
  return null;
}

/** `side`: 1 wants what is not before the limit, -1 what is not behind it. */
function isAt(position: LogPosition, limit: LogPosition | null, side: 1 | -1): boolean {
  if (limit === null) return true;
  return (position.timestampMs - limit.timestampMs || position.id - limit.id) * side >= 0;
}

/** Tells the lines of a request while they are written: from the platform's first line about it to its report. */
export class RequestFilter {
  readonly #requestId: string;
  /** The stream in which it runs now. */
  #stream: string | null = null;

  constructor(requestId: string) {
    this.#requestId = requestId;
  }

  takes(event: WrittenLogEvent): boolean {
    const stream = `${event.groupArn}:${event.logStream}`;
    const isNamed = event.message.includes(this.#requestId);
    if (event.origin === "platform" && isNamed) this.#stream = isReport(event) ? null : stream;
    return isNamed || this.#stream === stream;
  }
}

/** The last line of an invocation, as text or as JSON. */
function isReport({ message }: LogEvent): boolean {
  return message.startsWith("REPORT ") || message.includes('"platform.report"');
}
