/**
 * The runtime of a function as a real process of Node.js, with a Runtime API that plays the server's part. It is what
 * the set-up has built: AWS's client with our start of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { text } from "node:stream/consumers";

const DIST = resolve(import.meta.dirname, "../../dist");
const HOME = process.env["THAW_HOME"] ?? "/var/lib/thaw";
const PRELOADED = ["unique", "watch-file", "module-paths"];
const DEADLINE_MS = 30_000;

export interface RuntimeOptions {
  readonly files: Readonly<Record<string, string>>;
  readonly handler?: string;
  /** One invocation each; `{}` alone where it is left out. */
  readonly events?: readonly unknown[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface RuntimeAnswer {
  /** Of the Runtime API, without version and request id: `response`, `error`, `init/error`. */
  readonly kind: string;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
  readonly trailers: IncomingMessage["trailers"];
}

export interface RuntimeRun {
  readonly answers: readonly RuntimeAnswer[];
  readonly output: string;
  /** Null: it was still there, and waited for the next event. */
  readonly exitCode: number | null;
}

/** Runs a function until it has taken all events and asks for one more, or has ended. */
export async function runFunction(major: number, options: RuntimeOptions): Promise<RuntimeRun> {
  const folder = mkdtempSync(join(tmpdir(), "thaw-node-"));
  for (const [name, content] of Object.entries(options.files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const api = new FakeRuntimeApi(options.events ?? [{}]);
  const port = await api.listen();
  const client = join(DIST, `nodejs${major}`);
  const flags = ["--no-experimental-require-module", "--no-experimental-detect-module"];
  const child = spawn(
    join(HOME, `runtimes/nodejs${major}/bin/node`),
    [...flags, ...PRELOADED.map((name) => `--require=${client}/${name}.cjs`), join(client, "index.mjs")],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: variables(major, folder, port, options) },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part) => (output += part));
  const closed = once(child, "close");
  const deadline = setTimeout(() => api.fail(new Error(`it did not end in time; so far:\n${output}`)), DEADLINE_MS);
  try {
    await Promise.race([api.exhausted, closed]);
    const { exitCode } = child;
    return { answers: api.answers, output, exitCode };
  } finally {
    clearTimeout(deadline);
    child.kill("SIGKILL");
    await closed;
    api.close();
    rmSync(folder, { recursive: true });
  }
}

function variables(major: number, folder: string, port: number, options: RuntimeOptions): Record<string, string> {
  return {
    PATH: "/usr/bin:/bin",
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    _HANDLER: options.handler ?? "index.handler",
    LAMBDA_TASK_ROOT: folder,
    AWS_LAMBDA_FUNCTION_NAME: "f",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${major}.x`,
    NODE_PATH: `${join(DIST, `nodejs${major}`, "node_modules")}:${folder}`,
    ...options.env,
  };
}

class FakeRuntimeApi {
  readonly answers: RuntimeAnswer[] = [];
  /** Resolves when an event is asked for that is not there. */
  readonly exhausted: Promise<void>;
  readonly #events: unknown[];
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #count = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(events: readonly unknown[]) {
    this.#events = [...events];
    this.exhausted = new Promise((done, failed) => {
      this.#resolve = done;
      this.#reject = failed;
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    if (path.endsWith("/invocation/next")) return this.#next(response);
    const kind = path.replace(/^\/2018-06-01\/runtime\/(invocation\/[^/]+\/)?/, "");
    const body = await text(request).catch(() => "cut off");
    this.answers.push({ kind, body, headers: request.headers, trailers: request.trailers });
    response.writeHead(202).end('{"status":"OK"}\n');
  }

  #next(response: ServerResponse): void {
    if (this.#events.length === 0) return this.#resolve();
    const headers = {
      "Lambda-Runtime-Aws-Request-Id": `request-${++this.#count}`,
      "Lambda-Runtime-Deadline-Ms": String(Date.now() + DEADLINE_MS),
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
    };
    // Without a length, so in chunks: as a proxy in between would send it.
    response.writeHead(200, headers).end(JSON.stringify(this.#events.shift()));
  }
}
