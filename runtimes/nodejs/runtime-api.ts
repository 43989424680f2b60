/** Calls of the Runtime API. They pass JavaScript's http by (rapid-client.c). A long poll has no time limit. */
import { createRequire } from "node:module";

interface Native {
  post(host: string, port: string, request: string): number;
  poll(host: string, port: string, request: string, callback: (head?: string, body?: string) => void): void;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const native = createRequire(import.meta.url)("./rapid-client.node") as Native;
// A wrapper script may have put a proxy in between.
const address = process.env["AWS_LAMBDA_RUNTIME_API"] ?? "127.0.0.1:9001";
const [host = "", port = ""] = address.split(":");

/** Blocks until the answer is there, so that it is out before the process can end. Returns its status; 0: no answer. */
export function post(path: string, body: string, errorType?: string): number {
  const type = errorType === undefined ? "" : `Lambda-Runtime-Function-Error-Type: ${errorType}\r\n`;
  const length = Buffer.byteLength(body);
  return native.post(
    host,
    port,
    `${head("POST", path)}Content-Type: application/json\r\nContent-Length: ${length}\r\n${type}\r\n${body}`,
  );
}

/** Throws when the connection breaks, or where nothing listens. */
export function get(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    native.poll(host, port, `${head("GET", path)}\r\n`, (answerHead, body) => {
      if (answerHead === undefined || body === undefined) reject(new Error(`no answer to GET ${path} of ${address}`));
      else resolve({ ...parseHead(answerHead), body });
    });
  });
}

function head(method: string, path: string): string {
  return `${method} /2018-06-01${path} HTTP/1.1\r\nHost: ${address}\r\n`;
}

function parseHead(text: string): Omit<Answer, "body"> {
  const [first = "", ...lines] = text.trimEnd().split("\r\n");
  const fields = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(first.split(" ")[1]), headers: new Map(fields) };
}
