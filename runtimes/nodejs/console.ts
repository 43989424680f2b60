/** console.* writes AWS's lines: time, request id, level, text, separated by tabs; line breaks as carriage returns keep one event. */
import { format } from "node:util";

let requestId = "undefined";

const LEVELS = { trace: "TRACE", debug: "DEBUG", info: "INFO", log: "INFO", warn: "WARN", error: "ERROR" } as const;

export function setRequestId(id: string): void {
  requestId = id;
}

export function installConsole(): void {
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method as keyof typeof LEVELS] = (...args: unknown[]): void => {
      const text = format(...args).replaceAll("\n", "\r");
      process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
    };
  }
}
