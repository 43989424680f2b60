/** Functions for tests, made, published and invoked through the AWS SDK. */
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { ZipFile } from "yazl";
import { signRequest } from "@thaw/aws-api";
import type { ThawServer } from "../../tools/thaw-server.ts";

export const ROLE = "arn:aws:iam::000000000000:role/test";
/** Of AWS's waiters. They look fast: what takes AWS minutes takes a second here. The limit is for what hangs. */
export const WAIT = { maxWaitTime: 180, minDelay: 1, maxDelay: 1 };

/** For what hangs. Below the limit of a test, whose error would not tell what was waited for. */
const EVENTUALLY_MS_MAX = 120_000;
const POLL_MS = 5;

/** States of an environment that nobody has invoked; one that is made for a snapshot has no others. */
const BEGINNINGS: ReadonlySet<string> = new Set(["starting", "initialising", "snapshotting"]);

export type Files = Readonly<Record<string, string | Buffer>>;

export interface Invoked {
  readonly status: number;
  readonly functionError: string | undefined;
  readonly payload: unknown;
  readonly log: string;
  readonly version: string | undefined;
}

export function zipOf(files: Files): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files))
    zip.addBuffer(Buffer.from(content), name, {
      mode: /^(bootstrap$|bin\/|extensions\/)/.test(name) ? 0o100755 : 0o100644,
      mtime: new Date(0),
    });
  zip.end();
  return Readable.from(zip.outputStream)
    .toArray()
    .then((parts) => Buffer.concat(parts as Buffer[]));
}

export interface ConnectionOptions {
  /**
   * For measurements, and where what happens to connections is tested. Else each request has its own: a test that
   * computes for seconds does not see meanwhile that the server closed one, sends on it, and no error of a request is
   * tried again here.
   */
  readonly keepAlive: boolean;
}

export class TestFunctions {
  readonly lambda: LambdaClient;
  readonly server: ThawServer;
  readonly #keepAlive: boolean;
  #count = 0;

  constructor(server: ThawServer, { keepAlive }: ConnectionOptions = { keepAlive: false }) {
    this.#keepAlive = keepAlive;
    this.server = server;
    const credentials = {
      accessKeyId: server.env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
    this.lambda = new LambdaClient({
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials,
      maxAttempts: 1,
      requestHandler: { httpAgent: { keepAlive } },
    });
  }

  /** Active when it resolves. Node.js unless told otherwise. */
  async create(files: Files, options: Partial<CreateFunctionCommandInput> = {}): Promise<string> {
    const FunctionName = options.FunctionName ?? `test-${++this.#count}`;
    const input = {
      FunctionName,
      Role: ROLE,
      Runtime: "nodejs24.x" as const,
      Handler: "index.handler",
      // For what hangs: with 256 MiB a function has a seventh of a processor, and that of a machine with other tests. A
      // clone of Java's whose every page was asked for took more than 30 s there.
      Timeout: 120,
      MemorySize: 256,
      ...options,
      Code: { ZipFile: await zipOf(files) },
    };
    await this.lambda.send(new CreateFunctionCommand({ ...input, FunctionName }));
    await waitUntilFunctionActiveV2({ client: this.lambda, ...WAIT }, { FunctionName });
    return FunctionName;
  }

  createSnapStart(files: Files, options: Partial<CreateFunctionCommandInput> = {}): Promise<string> {
    return this.create(files, { SnapStart: { ApplyOn: "PublishedVersions" }, ...options });
  }

  async update(name: string, files: Files): Promise<void> {
    await this.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: await zipOf(files) }));
    await waitUntilFunctionUpdatedV2({ client: this.lambda, ...WAIT }, { FunctionName: name });
  }

  async publish(name: string): Promise<string> {
    const { Version } = await this.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    await waitUntilPublishedVersionActive({ client: this.lambda, ...WAIT }, { FunctionName: name, Qualifier: Version });
    return Version ?? "";
  }

  /** How a version that is being made ended: Active or Failed. */
  decided(name: string, version: string, limitMs?: number): Promise<GetFunctionConfigurationCommandOutput> {
    return this.eventually(
      `${name}:${version} is decided`,
      async () => {
        const now = await this.lambda.send(
          new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }),
        );
        return now.State !== "Pending" && now;
      },
      limitMs,
    );
  }

  async invoke(name: string, event: unknown = {}, qualifier?: string): Promise<Invoked> {
    const answer = await this.lambda.send(
      new InvokeCommand({
        FunctionName: name,
        Payload: Buffer.from(JSON.stringify(event)),
        LogType: "Tail",
        ...(qualifier === undefined ? {} : { Qualifier: qualifier }),
      }),
    );
    const text = Buffer.from(answer.Payload ?? []).toString();
    return {
      status: answer.StatusCode ?? 0,
      functionError: answer.FunctionError,
      payload: text === "" ? null : JSON.parse(text),
      log: Buffer.from(answer.LogResult ?? "", "base64").toString(),
      version: answer.ExecutedVersion,
    };
  }

  /** Until it gives a value; the level is what is watched, not a moment. */
  async eventually<T>(
    what: string,
    look: () => Promise<T | null | undefined | false>,
    limitMs = EVENTUALLY_MS_MAX,
  ): Promise<T> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== null && found !== undefined && found !== false) return found;
      if (performance.now() > deadline) throw new Error(`never: ${what}\n${this.server.output().slice(-3000)}`);
      // sleeps: between two looks the machine does what is waited for, and this process hears what comes to it
      await setTimeout(POLL_MS);
    }
  }

  async admin(method: string, path: string, body: Buffer = Buffer.alloc(0)): Promise<Response> {
    const [plain = "", query = ""] = `/_thaw/v1/${path}`.split("?");
    const credentials = {
      accessKeyId: this.server.env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: this.server.env["AWS_SECRET_ACCESS_KEY"] ?? "",
    };
    const headers = signRequest(
      { method, path: plain, query, headers: { host: new URL(this.server.endpoint).host }, body },
      credentials,
      "us-east-1",
      Date.now(),
    );
    const type: Record<string, string> = body.length === 0 ? {} : { "content-type": "application/octet-stream" };
    const connection: Record<string, string> = this.#keepAlive ? {} : { connection: "close" };
    return fetch(`${this.server.endpoint}${plain}${query === "" ? "" : `?${query}`}`, {
      method,
      headers: { ...headers, ...type, ...connection },
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    });
  }

  /** Those that have answered are gone when it resolves: the route does not wait for one that is not idle yet. */
  async stopEnvironments(name: string): Promise<void> {
    const used = (await this.environments(name)).filter(({ state }) => !BEGINNINGS.has(state));
    const chosen = new Set(used.map(({ environmentId }) => environmentId));
    await this.admin("POST", "environments/stop", Buffer.from(JSON.stringify({ function: name })));
    await this.eventually(`the environments of ${name} have gone`, async () =>
      (await this.environments(name)).every(({ environmentId }) => !chosen.has(environmentId)),
    );
  }

  /**
   * All environments of a function can take an invoke. The answer comes before: the runtime polls again after it, and a
   * clone writes down what it has touched. The next invoke waits some milliseconds for that, then has another one.
   */
  async atRest(name: string): Promise<void> {
    await this.eventually(`the environments of ${name} are at rest`, async () =>
      (await this.environments(name)).every(({ state }) => state === "idle" || state === "parked"),
    );
  }

  async environments(name: string): Promise<
    ReadonlyArray<{
      readonly environmentId: string;
      readonly logStream: string;
      readonly isRestored: boolean;
      readonly invokeCount: number;
      readonly state: string;
      readonly version: string;
    }>
  > {
    const answer = (await (await this.admin("GET", `environments?function=${name}`)).json()) as {
      environments: never[];
    };
    return answer.environments;
  }

  /** None where there is no such log. */
  async logs(name: string): Promise<ReadonlyArray<{ readonly logStream: string; readonly message: string }>> {
    const response = await this.admin("GET", `logs/${name}`);
    if (response.status === 404) return [];
    if (!response.ok) throw new Error(`the log of ${name}: ${response.status} ${await response.text()}`);
    const events: Array<{ logStream: string; message: string }> = [];
    if (response.body === null) return events;
    for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) }))
      events.push(JSON.parse(line) as never);
    return events;
  }
}
