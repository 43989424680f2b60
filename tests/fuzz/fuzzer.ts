/** Sends the made requests to a real server, and notes each answer that must not be. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { CreateFunctionUrlConfigCommand, AddPermissionCommand } from "@aws-sdk/client-lambda";
import { signRequest } from "@thaw/aws-api";
import { pidOf, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions, zipOf } from "../support/functions.ts";
import type { Request } from "./request.ts";
import { type Bytes, type Fixtures, requestsOf } from "./requests.ts";

/** In flight at the same time. */
const AT_ONCE = 8;
const FILES = { "index.js": "exports.handler = async (event) => event.rawPath ?? null;" };
const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
const EMPTY = Buffer.alloc(0);
/** An answer that takes longer is none. */
const ANSWER_MS_MAX = 20_000;
const BYTES_MS_MAX = 500;

export interface Finding {
  readonly seed: number;
  readonly what: string;
}

export interface FuzzResult {
  readonly sent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** The slowest of those that ran no function, with what it was. */
  readonly slowest: readonly [ms: number, what: string];
}

export class Fuzzer {
  readonly #server: ThawServer;
  readonly #functions: TestFunctions;
  readonly #fixtures: Fixtures;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  readonly #findings: Finding[] = [];
  readonly #byStatus: Record<string, number> = {};
  #sent = 0;
  #slowest: readonly [number, string] = [0, "nothing"];

  private constructor(functions: TestFunctions, fixtures: Fixtures) {
    this.#server = functions.server;
    this.#functions = functions;
    this.#fixtures = fixtures;
  }

  static async start(server: ThawServer): Promise<Fuzzer> {
    const functions = new TestFunctions(server);
    // Of a name that no made request has: it stays.
    const own = await functions.create(FILES, { FunctionName: "behind-the-url" });
    const url = await functions.lambda.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: own, AuthType: "NONE" }),
    );
    const everybody = { FunctionName: own, Principal: "*" };
    await functions.lambda.send(
      new AddPermissionCommand({
        ...everybody,
        StatementId: "url",
        Action: "lambda:InvokeFunctionUrl",
        FunctionUrlAuthType: "NONE",
      }),
    );
    const invoke = {
      ...everybody,
      StatementId: "invoke",
      Action: "lambda:InvokeFunction",
      InvokedViaFunctionUrl: true,
    };
    await functions.lambda.send(new AddPermissionCommand(invoke));
    await functions.invoke(own);
    const urlPath = new URL(url.FunctionUrl ?? "").pathname;
    const fuzzer = new Fuzzer(functions, { zip: await zipOf(FILES), urlPath });
    for (const target of ["/fuzz/", "/fuzz/key"])
      await fuzzer.#sendRequest({ kind: "s3", method: "PUT", target, headers: UNSIGNED, body: EMPTY, service: "s3" });
    return fuzzer;
  }

  /** `seeds`: each for as many requests. */
  async run(seeds: Iterable<number>, each: number): Promise<void> {
    for (const seed of seeds) {
      // The requests before may have deleted it.
      await this.#functions.create(FILES, { FunctionName: "f" }).catch((error: Error) => {
        if (error.name !== "ResourceConflictException") throw error;
      });
      const waiting = [...requestsOf(seed, each, this.#fixtures)];
      const work = async (): Promise<void> => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await this.#send(seed, next);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    }
  }

  get result(): FuzzResult {
    return { sent: this.#sent, byStatus: this.#byStatus, findings: this.#findings, slowest: this.#slowest };
  }

  end(): void {
    this.#agent.destroy();
  }

  /** The most memory that the server has had so far. */
  peakMib(): number {
    const pid = pidOf(this.#server.pid, "server");
    if (pid === undefined) throw new Error("the server has gone");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  async #send(seed: number, one: Request | Bytes): Promise<void> {
    this.#sent++;
    const what = one.kind === "bytes" ? `bytes ${JSON.stringify(one.bytes.toString("latin1"))}` : describe(one);
    const begin = performance.now();
    const status = one.kind === "bytes" ? await this.#sendBytes(one) : await this.#sendRequest(one);
    const took = performance.now() - begin;
    this.#byStatus[status] = (this.#byStatus[status] ?? 0) + 1;
    if (one.kind !== "bytes" && !runsFunction(one) && took > this.#slowest[0]) this.#slowest = [took, what];
    if (status.startsWith("5") || (one.kind !== "bytes" && !/^\d/.test(status)))
      this.#findings.push({ seed, what: `${status}: ${what}` });
  }

  async #sendRequest({ method, target, headers, body, service }: Request): Promise<string> {
    const { hostname, port, host } = new URL(this.#server.endpoint);
    const [path = "", query = ""] = target.split(/\?(.*)/s);
    const unsigned: Record<string, string> = { ...headers, host, "content-length": String(body.length) };
    // A body that is signed as it is.
    if (unsigned["x-amz-content-sha256"] === "digest")
      unsigned["x-amz-content-sha256"] = createHash("sha256").update(body).digest("hex");
    const signed =
      service === null
        ? unsigned
        : signRequest(
            { method, path, query, headers: unsigned, body },
            credentialsOf(this.#server),
            "us-east-1",
            Date.now(),
            service,
          );
    const options = { hostname, port, method, path: target, headers: signed, agent: this.#agent };
    for (;;) {
      const status = await answerTo(options, body);
      if (status !== null) return status;
    }
  }

  /** Resolves with the first answer's status, or with how the connection ended. */
  #sendBytes({ bytes }: Bytes): Promise<string> {
    const { hostname, port } = new URL(this.#server.endpoint);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      const end = (status: string): void => {
        resolve(status);
        socket.destroy();
      };
      socket.setTimeout(BYTES_MS_MAX, () => end("silence"));
      socket.once("data", (data) => end(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1] ?? "noise"));
      socket.once("error", () => end("closed"));
      socket.once("close", () => end("closed"));
      socket.write(bytes);
    });
  }
}

/** Answers to these, in lines, have their head at once and no end: who follows, and who debugs. */
const ENDLESS = /follow|\/debug\//;

/**
 * Sends a request; gives the status of its answer, or what came instead. Null: it was sent on a kept connection that
 * the server was just closing, as it may, and has to be sent again.
 */
function answerTo(options: RequestOptions, body: Buffer): Promise<string | null> {
  return new Promise((resolve) => {
    const sent = httpRequest(options, (answer) => {
      if (answer.headers["content-type"] === "application/x-ndjson" && ENDLESS.test(options.path ?? "")) {
        resolve(String(answer.statusCode));
        answer.destroy();
        return;
      }
      answer.resume();
      answer.once("end", () => resolve(String(answer.statusCode)));
      answer.once("error", (error) => resolve(`cut off (${error.message})`));
    });
    sent.setTimeout(ANSWER_MS_MAX, () => sent.destroy(new Error("no answer")));
    sent.once("error", (error: NodeJS.ErrnoException) => {
      const isClosed = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      resolve(isClosed ? null : `no answer (${error.message})`);
    });
    sent.end(body);
  });
}

function runsFunction({ kind, target }: Request): boolean {
  return kind === "url" || target.includes("invocations");
}

function describe({ kind, method, target, headers, body, service }: Request): string {
  const shown = body.length > 1000 ? `${body.length} bytes: ${body.toString().slice(0, 1000)}` : body.toString();
  return `${kind} ${method} ${target.slice(0, 1000)} ${JSON.stringify(headers)} (${service}) ${shown}`;
}

export function credentialsOf({ env }: ThawServer): { readonly accessKeyId: string; readonly secretAccessKey: string } {
  return { accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "", secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "" };
}
