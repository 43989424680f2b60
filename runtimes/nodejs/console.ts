/**
 * console.* writes AWS's lines. Text: time, request id, level and text, separated by tabs; line breaks as carriage
 * returns keep one event. JSON (AWS_LAMBDA_LOG_FORMAT): one document a line, without those below AWS_LAMBDA_LOG_LEVEL.
 */
import { format } from "node:util";
import { describeError } from "./errors.ts";

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const METHODS = { trace: "TRACE", debug: "DEBUG", info: "INFO", log: "INFO", warn: "WARN", error: "ERROR" } as const;

let requestId = "undefined";

export function setRequestId(id: string): void {
  requestId = id;
}

export function installConsole(): void {
  const isJson = isJsonFormat();
  const lowest = isJson ? LEVELS.indexOf(process.env["AWS_LAMBDA_LOG_LEVEL"] ?? "INFO") : 0;
  for (const [method, level] of Object.entries(METHODS)) {
    const isWanted = LEVELS.indexOf(level) >= lowest;
    console[method as keyof typeof METHODS] = (...args: unknown[]): void => {
      if (isWanted) process.stdout.write(`${(isJson ? jsonLine : textLine)(level, args)}\n`);
    };
  }
}

/** What a handler threw, for the log. */
export function logInvokeError(error: unknown): void {
  if (isJsonFormat()) console.error(error);
  else console.error("Invoke Error", JSON.stringify(describeError(error)));
}

function isJsonFormat(): boolean {
  return process.env["AWS_LAMBDA_LOG_FORMAT"] === "JSON";
}

function textLine(level: string, args: readonly unknown[]): string {
  return `${new Date().toISOString()}\t${requestId}\t${level}\t${format(...args).replaceAll("\n", "\r")}`;
}

/**
 * One argument is the message as it is; several are formatted, with the members of the first error among them beside.
 */
function jsonLine(level: string, args: readonly unknown[]): string {
  const line = { timestamp: new Date().toISOString(), level, requestId };
  if (args.length === 1) {
    try {
      return JSON.stringify({ ...line, message: args[0] }, (_key, value: unknown) =>
        value instanceof Error ? errorMembers(value) : value,
      );
    } catch {
      // A cycle or a BigInt: as text.
    }
  }
  const error = args.find((each) => each instanceof Error);
  return JSON.stringify({ ...line, message: format(...args), ...(error === undefined ? {} : errorMembers(error)) });
}

function errorMembers(error: Error): Record<string, unknown> {
  const { errorType, errorMessage, trace } = describeError(error);
  return Object.assign(Object.fromEntries(Object.entries(error)), { errorType, errorMessage, stackTrace: trace });
}
