/**
 * An installation with several accounts and Regions on the fake engine: the real listener, the real files, and clients
 * of each account.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { buffer } from "node:stream/consumers";
import * as sdk from "@aws-sdk/client-lambda";
import { type OperationName, signRequest } from "@thaw/aws-api";
import { systemClock, systemRandom } from "@thaw/server/testing/base";
import { DEFAULT_CONTROL_LIMITS } from "@thaw/server/testing/control";
import {
  createFakeSnapshots,
  FakeDestinations,
  FakeEventSources,
  FakeEngine,
  type FakeFunction,
  unpackInMemory,
} from "@thaw/server/testing/fakes";
import { createAwsServices, createDiskLogStore, createHttpServer, type HttpServer } from "@thaw/server/testing/http";
import {
  SessionCredentialSource,
  InstalledScopes,
  type Metadata,
  metadataInFiles,
  openAccounts,
  placeOfScope,
  SharedWorker,
} from "@thaw/server/testing/main";
import { measureWorker, Metrics, RecentInvocations } from "@thaw/server/testing/metrics";
import {
  type Accounts,
  type CodeStore,
  type LogStore,
  NO_PASSED_SERVICES,
  type Worker,
} from "@thaw/server/testing/ports";
import { createWorker, DebugSessions } from "@thaw/server/testing/worker";
import type { CodeDirectory } from "@thaw/server/testing/store";
import { recipeOf } from "./harness.ts";
import { HOST, NO_CONSOLE, noTransform, PLAIN_KEYS, SESSION_SECRET } from "./http-harness.ts";
import { OUTSIDE } from "./outside.ts";

export const HOME = "000000000000";
export const ALICE = "222222222222";
export const BOB = "333333333333";
export const REGION = "us-east-1";
export const FAR_REGION = "eu-west-1";
const HOME_KEY = { accessKeyId: "AKIAHOMEHOMEHOME", secretAccessKey: "secret" };

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const RECIPE = recipeOf("python3.13", "release-1");

/** What a running server consists of; another one is made on the same directory. */
interface Life {
  readonly app: HttpServer;
  readonly scopes: InstalledScopes;
  readonly worker: Worker;
  readonly logs: LogStore;
  readonly accounts: Accounts;
}

/** Notes the account of each reading of all versions. */
function noting(metadata: Metadata, read: string[]): Metadata {
  return {
    ...metadata,
    async open(scope, directory, onCommitted) {
      const store = await metadata.open(scope, directory, onCommitted);
      const list = store.listAllVersions.bind(store);
      const listAllVersions: typeof list = () => {
        read.push(scope.accountId);
        return list();
      };
      return Object.assign(store, { listAllVersions });
    },
  };
}

export class ScopesHarness implements AsyncDisposable {
  readonly dataDir = mkdtempSync(join(tmpdir(), "thaw-scopes-"));
  readonly problems: string[] = [];
  /** Accounts whose rows of all versions the last start has read, each as often as it did. */
  readAtStart: readonly string[] = [];
  readonly engine: FakeEngine;
  readonly destinations = new FakeDestinations();
  readonly keys = new Map<string, Keys>([[HOME, HOME_KEY]]);
  readonly #code: CodeDirectory | null;
  #life: Life | null = null;

  private constructor(functions: Readonly<Record<string, FakeFunction>>, code: CodeDirectory | null) {
    this.#code = code;
    this.engine = new FakeEngine({ functions, disk: new Map(), fingerprint: "engine-1" });
  }

  /** Starts with two accounts beside the home. Without `code`, contents are kept in memory. */
  static async start(
    functions: Readonly<Record<string, FakeFunction>>,
    code: CodeDirectory | null = null,
  ): Promise<ScopesHarness> {
    const harness = new ScopesHarness(functions, code);
    await harness.begin();
    for (const account of [ALICE, BOB]) harness.keys.set(account, harness.life.accounts.add(account, ""));
    return harness;
  }

  get life(): Life {
    if (this.#life === null) throw new Error("the server does not run");
    return this.#life;
  }

  get host(): string {
    const address = this.life.app.server.address();
    return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  async begin(): Promise<void> {
    const home = { accountId: HOME, region: REGION };
    const { dataDir } = this;
    const onProblem = (what: string, error: unknown): void => void this.problems.push(`${what}: ${String(error)}`);
    const logs = createDiskLogStore({
      path: join(dataDir, "logs.db"),
      clock: systemClock,
      limits: { groupBytesMax: 2 ** 30, totalBytesMax: 2 ** 30 },
      onProblem: (error) => onProblem("logs", error),
    });
    const sessionKeys = new SessionCredentialSource(SESSION_SECRET, systemClock, systemRandom);
    const { images, disk } = this.engine;
    const recent = new RecentInvocations(systemClock);
    const debugging = new DebugSessions(systemClock);
    const inner = createWorker({
      engine: this.engine,
      snapshots:
        images === null ? null : createFakeSnapshots({ images, disk, clock: systemClock, afar: null, onProblem }),
      catalog: {
        find: () => RECIPE,
        list: () => [],
        all: () => [RECIPE],
        releases: () => [],
        remedy: () => "",
      },
      logs,
      clock: systemClock,
      secret: Buffer.alloc(32, 7),
      primes: { readPrimes: async () => [] },
      debugging,
      credentials: sessionKeys,
      limits: { parkedPerVersionMax: 0 },
      onRestore: (report) => recent.restored(report),
      onInvocation: (report) => recent.reported(report),
      onProblem: (problem) => onProblem(problem.what, problem.error),
    });
    const worker = measureWorker(inner, new Metrics(), recent);
    const accounts = openAccounts({
      dataDir,
      home: { accountId: HOME, ...HOME_KEY },
      sessionKeys,
      clock: systemClock,
      random: systemRandom,
    });
    const read: string[] = [];
    const scopes = await InstalledScopes.open({
      dataDir,
      metadata: noting(metadataInFiles(dataDir), read),
      objectsBytesMax: 2 ** 30,
      home,
      regions: [REGION, FAR_REGION],
      accounts,
      code: this.#code ?? {
        ...memoryCode(""),
        of: memoryCode,
        removeUnnamed: async () => 0,
        bring: () => Promise.reject(new Error("no other host here")),
        onBrought: () => undefined,
      },
      worker: new SharedWorker(worker, home, DEFAULT_CONTROL_LIMITS.snapshotsAtOnceMax),
      logs,
      histories: recent,
      createAwsServices: (scope, store, own) =>
        createAwsServices({
          scope,
          store,
          logs,
          sessions: sessionKeys,
          transform: noTransform,
          issuers: OUTSIDE.issuers,
          clock: systemClock,
          random: systemRandom,
          ...own,
        }),
      passed: NO_PASSED_SERVICES,
      forStacks: { door: null, keys: PLAIN_KEYS, secret: SESSION_SECRET, callsServices: () => false },
      common: {
        parity: "extended",
        organizationId: "o-exampleorg1",
        ...OUTSIDE,
        snapshotReader: null,
        destinations: this.destinations,
        eventSources: new FakeEventSources(systemClock).connect(),
        onEventSource: () => undefined,
        clock: systemClock,
        random: systemRandom,
        limits: { ...DEFAULT_CONTROL_LIMITS, stateChangeMs: 0, contentSweepMs: 1 },
        accessPoints: new Set(),
        freeDiskBytes: () => 2 ** 40,
        onFallback: () => undefined,
        onAsync: () => undefined,
        onProblem,
      },
    });
    await scopes.recover();
    this.readAtStart = [...read];
    const app = createHttpServer({
      scopes,
      accounts,
      clock: systemClock,
      random: systemRandom,
      credentials: HOME_KEY,
      describeHost: async () => HOST,
      health: { notReady: () => null },
      figures: { contentType: "text/plain", text: async () => "" },
      draining: new AbortController().signal,
      console: NO_CONSOLE,
      debugging,
      functionUrls: { publicUrl: null, hasLocalNames: () => true, isTrustedProxy: () => false },
      onProblem,
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    this.#life = { app, scopes, worker, logs, accounts };
  }

  async stop(): Promise<void> {
    const { app, scopes, worker, logs } = this.life;
    app.server.closeAllConnections();
    await app.close();
    await scopes.close(() => false);
    await worker.close(0);
    await logs.close();
    await scopes.closeStores();
    this.#life = null;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.begin();
  }

  client(account: string, region = REGION): sdk.LambdaClient {
    const credentials = this.keys.get(account);
    if (credentials === undefined) throw new Error(`no key of ${account}`);
    return this.clientWith(credentials, region);
  }

  clientWith(credentials: Keys, region = REGION): sdk.LambdaClient {
    return new sdk.LambdaClient({ endpoint: `http://${this.host}`, region, credentials, maxAttempts: 1 });
  }

  /** Calls an operation by its name. */
  async call(
    account: string,
    operation: OperationName,
    input: Readonly<Record<string, unknown>>,
    region = REGION,
  ): Promise<Readonly<Record<string, unknown>>> {
    return send(this.client(account, region), operation, input);
  }

  /** The name and the message of an operation's refusal. */
  async refusal(
    account: string,
    operation: OperationName,
    input: Readonly<Record<string, unknown>>,
    region = REGION,
  ): Promise<string> {
    try {
      await this.call(account, operation, input, region);
      return "it was done";
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  }

  async createFunction(
    account: string,
    name: string,
    code: string,
    config: object = {},
    region = REGION,
  ): Promise<void> {
    const input = {
      FunctionName: name,
      Role: `arn:aws:iam::${account}:role/test`,
      Runtime: "python3.13",
      Handler: "a.b",
      Code: { ZipFile: Buffer.from(code) },
      ...config,
    };
    await this.call(account, "CreateFunction", input, region);
  }

  async invoke(account: string, name: string, region = REGION): Promise<string> {
    const { Payload } = await this.call(account, "Invoke", { FunctionName: name }, region);
    return Buffer.from(Payload as Uint8Array).toString();
  }

  /** A request of Thaw's own API: status and text of its answer. */
  async thaw(account: string, method: string, path: string, body?: object): Promise<readonly [number, string]> {
    const keys = this.keys.get(account);
    if (keys === undefined) throw new Error(`no key of ${account}`);
    return this.thawWith(keys, method, path, body);
  }

  async thawWith(keys: Keys, method: string, path: string, body?: object): Promise<readonly [number, string]> {
    const content = Buffer.from(body === undefined ? "" : JSON.stringify(body));
    const toSign = { method, path: `/_thaw/v1/${path}`, query: "", headers: { host: this.host }, body: content };
    const response = await fetch(`http://${this.host}${toSign.path}`, {
      method,
      headers: signRequest(toSign, keys, REGION, Date.now()),
      ...(body === undefined ? {} : { body: new Uint8Array(content) }),
    });
    return [response.status, await response.text()];
  }

  /** A request of CloudWatch Logs: the answer's text. */
  async logs(account: string, operation: string, input: object, region = REGION): Promise<string> {
    const keys = this.keys.get(account);
    if (keys === undefined) throw new Error(`no key of ${account}`);
    return this.logsWith(keys, operation, input, region);
  }

  async logsWith(keys: Keys, operation: string, input: object, region = REGION): Promise<string> {
    const body = Buffer.from(JSON.stringify(input));
    const headers = {
      host: this.host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `Logs_20140328.${operation}`,
    };
    const toSign = { method: "POST", path: "/", query: "", headers, body };
    const response = await fetch(`http://${this.host}/`, {
      method: "POST",
      headers: signRequest(toSign, keys, region, Date.now(), "logs"),
      body: new Uint8Array(body),
    });
    return response.text();
  }

  /** A request to a function URL: status and text of its answer; without keys it is not signed. */
  async fetchUrl(address: string, keys: Keys | null, region = REGION): Promise<readonly [number, string]> {
    const { hostname, pathname } = new URL(address);
    const host = `${hostname}:${this.host.split(":")[1]}`;
    const toSign = { method: "GET", path: pathname, query: "", headers: { host }, body: Buffer.alloc(0) };
    const headers = keys === null ? { host } : signRequest(toSign, keys, region, Date.now());
    return get(`http://${this.host}${pathname}`, headers);
  }

  /** All rows of a scope's database, as texts. */
  rows(account: string, region = REGION): Readonly<Record<string, readonly string[]>> {
    const place = placeOfScope(
      { dataDir: this.dataDir, home: { accountId: HOME, region: REGION } },
      {
        accountId: account,
        region,
      },
    );
    const db = new DatabaseSync(join(place, "thaw.db"), { readOnly: true });
    try {
      const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
      return Object.fromEntries(
        tables.map(({ name }) => [
          String(name),
          db
            .prepare(`SELECT * FROM ${String(name)}`)
            .all()
            .map((row) => JSON.stringify(row)),
        ]),
      );
    } finally {
      db.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life !== null) await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
    if (this.problems.length > 0) throw new Error(`problems: ${this.problems.join("; ")}`);
  }
}

/** With a Host header of its own, which fetch does not send. */
async function get(address: string, headers: Readonly<Record<string, string>>): Promise<readonly [number, string]> {
  const sent = request(address, { headers }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return [response.statusCode ?? 0, (await buffer(response)).toString()];
}

export async function send(
  client: sdk.LambdaClient,
  operation: OperationName,
  input: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const commands = sdk as unknown as Readonly<Record<string, new (input: object) => never>>;
  const Command = commands[`${operation}Command`];
  if (Command === undefined) throw new Error(`the SDK has no ${operation}`);
  const { $metadata: _, ...answer } = (await client.send(new Command(input))) as unknown as Readonly<
    Record<string, unknown>
  >;
  return answer;
}

/** Contents by their text, apart by account. */
function memoryCode(accountId: string): CodeStore {
  return {
    unpackImage: unpackInMemory,
    unpack: async (zip) => ({
      codeName: `${accountId}${zip.toString()}`,
      codeSha256: zip.toString("base64"),
      codeSizeBytes: zip.length,
    }),
    readZip: async () => null,
    findTexts: async () => new Set(),
    unpackedSizeOf: async () => 1,
    merge: async () => undefined,
    hold: (work) => work(),
    sweep: async () => undefined,
  };
}
