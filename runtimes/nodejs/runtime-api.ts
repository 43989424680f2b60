/** Calls of the Runtime API, over one kept-alive connection. A long poll has no time limit. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";

const BASE = `http://${process.env["AWS_LAMBDA_RUNTIME_API"] ?? "127.0.0.1:9001"}/2018-06-01`;
const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 0 });

export interface Invocation {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly invokedFunctionArn: string;
  readonly traceId: string | undefined;
  readonly clientContext: string | undefined;
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function nextInvocation(): Promise<Invocation> {
  const reply = await call("GET", "/runtime/invocation/next", {}, "");
  if (reply.status !== 200) throw new Error(`invocation/next answered ${reply.status}`);
  const header = (name: string): string | undefined => decode(reply.headers[`lambda-runtime-${name}`]);
  return {
    requestId: header("aws-request-id") ?? "",
    deadlineMs: Number(header("deadline-ms")),
    invokedFunctionArn: header("invoked-function-arn") ?? "",
    traceId: header("trace-id"),
    clientContext: header("client-context"),
    body: reply.body,
  };
}

/** Node reads headers as Latin-1; those of the Runtime API are UTF-8 (the client context's JSON). */
function decode(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? Buffer.from(header, "latin1").toString("utf8") : undefined;
}

/**
 * Calls that mean nothing, so that each clone finds this code compiled and the connection open: `ping` is AWS's own,
 * and takes no POST.
 */
export async function rehearse(): Promise<void> {
  await call("GET", "/ping", {}, "");
  await post("/ping", "null");
}

/** Blocks over the snapshot: it returns in each clone. */
export async function waitForRestore(): Promise<void> {
  const reply = await call("GET", "/runtime/restore/next", {}, "");
  if (reply.status !== 200) throw new Error(`restore/next answered ${reply.status}: ${reply.body}`);
}

export async function post(path: string, body: string, errorType?: string): Promise<void> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
  };
  if (errorType !== undefined) headers["Lambda-Runtime-Function-Error-Type"] = errorType;
  await call("POST", path, headers, body);
}

function call(method: string, path: string, headers: Record<string, string>, body: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${BASE}${path}`, { method, headers, agent }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("error", reject);
      incoming.on("end", () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(parts).toString() }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
