/**
 * A real S3-compatible server (versitygw) on a directory of its own, and a proxy before it that is slow, wrong or away
 * on demand.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import {
  type IncomingMessage,
  request as httpRequest,
  createServer,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { freePort } from "./free-port.ts";

const PROGRAM = join(REPOSITORY, ".thaw/test-stores/versitygw");
/** For one that hangs: a busy machine takes seconds. */
const START_TIMEOUT_MS = 120_000;
const BUCKET = "snapshots";
const KEYS = { accessKeyId: "test", secretAccessKey: "test-secret" };

/** Null, or why there is none. */
export const noS3: string | null = existsSync(PROGRAM)
  ? null
  : "versitygw is not there: it needs Go (tools/build-test-stores.sh)";

/**
 * pass; late (never answered); half (of the body, as if it were all); wrong (another content); none (404); fail (500).
 */
export type Fate = "pass" | "late" | "half" | "wrong" | "none" | "fail";

export class S3Server {
  /** Each request waits so long. */
  delayMs = 0;
  fateOf: (method: string, path: string) => Fate = () => "pass";
  /** Of answers to GETs of chunks, alone or many in one. */
  chunkBytes = 0;
  chunkGets = 0;
  readonly dir: string;
  readonly #gateway: ChildProcess;
  readonly #target: number;
  readonly #proxy: Server;

  private constructor(dir: string, gateway: ChildProcess, target: number) {
    this.dir = dir;
    this.#gateway = gateway;
    this.#target = target;
    this.#proxy = createServer((request, response) => void this.#serve(request, response)).listen(0, "127.0.0.1");
  }

  static async start(): Promise<S3Server> {
    const dir = mkdtempSync(join(tmpdir(), "thaw-s3-"));
    mkdirSync(join(dir, BUCKET));
    const port = await freePort();
    const args = [
      "--port",
      `127.0.0.1:${port}`,
      "--access",
      KEYS.accessKeyId,
      "--secret",
      KEYS.secretAccessKey,
      "--keep-alive",
      "--quiet",
      "posix",
      dir,
    ];
    const gateway = spawn(PROGRAM, args, { stdio: ["ignore", "ignore", "inherit"] });
    await untilListening(port, gateway);
    const server = new S3Server(dir, gateway, port);
    await once(server.#proxy, "listening");
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
  }

  /** For `thaw serve`. */
  settings(prefix: string): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
    return {
      args: ["--snapshot-store", `s3://${BUCKET}/${prefix}`],
      env: {
        THAW_S3_ENDPOINT: this.endpoint,
        THAW_S3_ACCESS_KEY_ID: KEYS.accessKeyId,
        THAW_S3_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
      },
    };
  }

  /** For an S3 store of a test's own. */
  storeOptions(prefix: string) {
    return {
      bucket: BUCKET,
      prefix: `${prefix}/`,
      endpoint: this.endpoint,
      pathStyle: true,
      region: "us-east-1",
      credentials: KEYS,
    };
  }

  /** Keys below a prefix, as the gateway has them on disk. Lets the proxy work in between. */
  async keys(prefix: string): Promise<string[]> {
    await new Promise((next) => setImmediate(next));
    const root = join(this.dir, BUCKET, prefix);
    return filesBelow(root)
      .map((path) => path.slice(root.length + 1))
      .toSorted();
  }

  path(key: string): string {
    return join(this.dir, BUCKET, key);
  }

  async stop(): Promise<void> {
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    this.#gateway.kill("SIGTERM");
    if (this.#gateway.exitCode === null && this.#gateway.signalCode === null) await once(this.#gateway, "exit");
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = request;
    const fate = this.fateOf(method, url);
    if (fate === "late") return;
    // sleeps: a store as slow as a test asks for
    if (this.delayMs > 0) await new Promise((next) => setTimeout(next, this.delayMs));
    if (fate === "none" || fate === "fail") {
      request.resume();
      const code = fate === "none" ? "NoSuchKey" : "InternalError";
      response
        .writeHead(fate === "none" ? 404 : 500, { "content-type": "application/xml" })
        .end(`<Error><Code>${code}</Code><Message>test</Message></Error>`);
      return;
    }
    const options = { host: "127.0.0.1", port: this.#target, method, path: url, headers: request.headers };
    const forwarded = httpRequest(options, (answer) => void this.#answer(method, url, fate, answer, response));
    forwarded.on("error", () => response.destroy());
    request.on("error", () => forwarded.destroy());
    request.pipe(forwarded);
  }

  async #answer(
    method: string,
    url: string,
    fate: Fate,
    answer: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
    let body = Buffer.concat(parts);
    if (method === "GET" && isOfChunks(url)) {
      this.chunkGets++;
      this.chunkBytes += body.length;
    }
    if (fate === "half") body = body.subarray(0, body.length / 2);
    if (fate === "wrong") body = Buffer.alloc(body.length, 7);
    const headers = { ...answer.headers };
    if (fate !== "pass") headers["content-length"] = String(body.length);
    response.writeHead(answer.statusCode ?? 500, headers).end(method === "HEAD" ? undefined : body);
  }
}

/** A directory that goes meanwhile has nothing in it. */
function filesBelow(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(dir, entry.name)) : [join(dir, entry.name)],
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (isOpen) return;
    if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error("versitygw did not start in time");
  }
}

/** One chunk, or the first ones of a snapshot. */
export function isOfChunks(path: string): boolean {
  return path.includes("/chunks/") || path.includes("/early-");
}
