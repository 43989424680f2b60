/** The real HTTP listener before a control plane on the fake engine, and its clients: signed ones and bare sockets. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { signRequest } from "@thaw/aws-api";
import { systemClock, systemRandom } from "@thaw/server/testing/base";
import {
  type ConsoleOptions,
  createAwsServices,
  createDiskLogStore,
  createHttpServer,
  createS3,
  type HttpServer,
  type HttpServerOptions,
  type Scopes,
} from "@thaw/server/testing/http";
import type { ControlPlane } from "@thaw/server/testing/control";
import { createScopeServices, SessionCredentialSource } from "@thaw/server/testing/main";
import type { CallerKey } from "@thaw/server/testing/model";
import type {
  Accounts,
  AccountStores,
  KeyProvider,
  MetadataStore,
  ObjectStore,
  TemplateTransform,
} from "@thaw/server/testing/ports";
import { NO_PASSED_SERVICES } from "@thaw/server/testing/ports";
import { DebugSessions } from "@thaw/server/testing/worker";
import { ThawClient } from "@thaw/thaw-api";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";
import { OUTSIDE } from "./outside.ts";

export const CREDENTIALS = { accessKeyId: "AKIATEST", secretAccessKey: "secret" };
export const REGION = "us-east-1";
/** A console that nobody can log in to. */
export const NO_CONSOLE: ConsoleOptions = {
  mode: "off",
  logins: { makeCode: none, exchange: () => null, read: () => null, revoke: none },
  assets: null,
  buildCommand: "build",
  version: "0",
  hostNames: [],
  onAct: () => undefined,
};
const ACCOUNT = "000000000000";

export const HOST = {
  criuVersion: null,
  criuProblem: "none",
  cgroupVersion: "v2",
  cpuFingerprint: "cpu",
  kernel: "6.1",
  hasNetwork: false,
  network: { rulesRestored: 0, problem: null, denied: [], hostPorts: [], serviceCallers: [] },
  companion: null,
  tmpQuota: "tmpfs",
  engine: "fake",
  snapshotsProblem: null,
  runtimes: [],
  installsRuntimes: false,
  limits: {
    environmentsMax: 1,
    memoryMaxMib: 1,
    memoryCount: "used",
    tmpMaxMib: null,
    preparedMemoryMib: 1,
    poolSize: 0,
  },
  inUse: { environments: 0, memoryMib: 0, tmpMib: 0, snapshots: 0 },
  disk: { freeBytes: 1, sizeBytes: 2 },
  snapshotStore: {},
  server: { node: "v24", residentBytes: 1, uptimeS: 1 },
} as const;

type LogGroups = ReturnType<typeof createDiskLogStore>;

export const HOME_KEY: CallerKey = {
  secretAccessKey: CREDENTIALS.secretAccessKey,
  accountId: ACCOUNT,
  principalArn: `arn:aws:iam::${ACCOUNT}:root`,
  userId: ACCOUNT,
  kind: "operator",
  isSession: false,
};

/** Signs and knows the sessions of STS; another one of the same secret knows them, too. */
export const SESSION_SECRET = Buffer.alloc(32, 7);
export const sessions = new SessionCredentialSource(SESSION_SECRET, systemClock, systemRandom);

/** An installation with the home account alone. */
export const onlyAccount: Accounts = {
  keyOf: (id, token) => (id === CREDENTIALS.accessKeyId ? HOME_KEY : sessions.keyOf(id, token ?? "")),
  list: () => [],
  has: (accountId) => accountId === ACCOUNT,
  add: () => none(),
  rotate: () => none(),
  remove: () => none(),
};

function none(): never {
  throw new Error("there is no other account");
}

/** Wraps nothing: what it keeps is not looked at. */
export const PLAIN_KEYS: KeyProvider = {
  async generate() {
    const plaintext = systemRandom.bytes(32);
    return { plaintext, wrapped: plaintext.toString("base64") };
  },
  unwrap: async (_arn, _id, wrapped) => Buffer.from(wrapped, "base64"),
};

/** No template of these tests has a transform. */
export const noTransform: TemplateTransform = {
  transform: async () => ({ kind: "refused", message: "there is no transform here" }),
  close: () => undefined,
};

interface ScopeParts {
  readonly control: ControlPlane;
  readonly store: MetadataStore;
  readonly logs: LogGroups;
  readonly objects: ObjectStore;
  readonly onProblem: (what: string, error: unknown) => void;
}

export function onlyScope({ control, store, logs, objects, onProblem }: ScopeParts) {
  const parts = { scope: control.scope, store, clock: systemClock, random: systemRandom };
  const s3 = createS3({ objects, targets: control.bucketTargets, ...parts });
  const entries: Awaited<ReturnType<AccountStores["own"]>> = {
    commit: (writes) => store.commit(writes),
    getAccountEntry: (kind, id) => store.getAccountEntry(kind, id),
    listAccountEntries: (kind) => store.listAccountEntries(kind),
  };
  const accountStores: AccountStores = { own: async () => entries, find: async () => null };
  const own = createScopeServices({
    door: null,
    callsServices: () => false,
    passed: NO_PASSED_SERVICES,
    topics: control.topics,
    ...parts,
    operations: control.operations,
    buses: control.buses,
    schedules: control.schedules,
    testEvents: control.testEvents,
    s3,
    keys: PLAIN_KEYS,
    secret: SESSION_SECRET,
    onProblem,
    create: (services) =>
      createAwsServices({
        ...parts,
        ...services,
        accountStores,
        keys: PLAIN_KEYS,
        logs,
        sessions,
        transform: noTransform,
        issuers: OUTSIDE.issuers,
      }),
  });
  const home = { control, awsServices: own.awsServices, s3 };
  const scopes: Scopes = {
    home,
    regions: [REGION],
    of: async () => home,
    find: async () => null,
    hosting: () => home,
    all: () => [home],
    remove: async () => undefined,
  };
  return { scopes, ...own };
}

type OnlyScope = ReturnType<typeof onlyScope>;

export interface Answered {
  readonly status: number;
  readonly text: string;
  /** The message of a refusal. */
  readonly message: string | undefined;
}

export class HttpHarness implements AsyncDisposable {
  readonly control: ControlHarness;
  readonly app: HttpServer;
  readonly stacks: OnlyScope["stacks"];
  readonly services: OnlyScope["services"];
  readonly problems: string[] = [];
  /** Log groups of the CloudWatch Logs API, in memory. */
  readonly logs: LogGroups;
  readonly port: number;
  readonly client: ThawClient;

  private constructor(control: ControlHarness, app: HttpServer, only: OnlyScope, logs: LogGroups, problems: string[]) {
    this.control = control;
    this.stacks = only.stacks;
    this.services = only.services;
    this.app = app;
    this.logs = logs;
    this.problems = problems;
    const address = app.server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
    this.client = new ThawClient(({ method, path, query, body, signal }) =>
      this.fetch(method, `${path}${query === "" ? "" : `?${query}`}`, Buffer.from(body), signal),
    );
  }

  static async start(
    control: ControlHarnessOptions,
    options: Partial<HttpServerOptions> = {},
    replace: (control: ControlPlane) => ControlPlane = (same) => same,
  ): Promise<HttpHarness> {
    const harness = await ControlHarness.start(control);
    const problems: string[] = [];
    const onProblem = (what: string, error: unknown): void => void problems.push(`${what}: ${String(error)}`);
    const logs = createDiskLogStore({
      path: ":memory:",
      clock: systemClock,
      limits: { groupBytesMax: 2 ** 30, totalBytesMax: 2 ** 30 },
      onProblem: (error) => onProblem("logs", error),
    });
    const only = onlyScope({
      control: replace(harness.control),
      store: harness.store,
      logs,
      objects: harness.life.services.objects,
      onProblem,
    });
    const app = createHttpServer({
      scopes: only.scopes,
      accounts: onlyAccount,
      clock: systemClock,
      random: systemRandom,
      credentials: CREDENTIALS,
      describeHost: async () => HOST,
      health: { notReady: () => null },
      figures: { contentType: "text/plain", text: async () => "thaw_problems_total 0\n" },
      draining: new AbortController().signal,
      console: NO_CONSOLE,
      debugging: new DebugSessions(systemClock),
      functionUrls: {
        publicUrl: null,
        hasLocalNames: () => true,
        isTrustedProxy: (address) => address === "127.0.0.9",
      },
      onProblem,
      ...options,
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    return new HttpHarness(harness, app, only, logs, problems);
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Headers of a signed request. */
  signed(
    method: string,
    target: string,
    body: Buffer,
    headers: Record<string, string> = {},
    service = "lambda",
  ): Record<string, string> {
    const at = target.indexOf("?");
    const [path, query] = at === -1 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
    const request = { method, path, query, headers: { host: this.host, ...headers }, body };
    return signRequest(request, CREDENTIALS, REGION, Date.now(), service);
  }

  fetch(method: string, target: string, body = Buffer.alloc(0), signal: AbortSignal | null = null): Promise<Response> {
    return fetch(`http://${this.host}${target}`, {
      method,
      headers: this.signed(method, target, body),
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
      signal,
    });
  }

  /** A signed request of Thaw's own API. */
  async thaw(method: string, path: string, body = Buffer.alloc(0)): Promise<Answered> {
    const response = await this.fetch(method, `/_thaw/v1/${path}`, body);
    const text = await response.text();
    const { message } = response.ok ? {} : (JSON.parse(text) as { readonly message?: string });
    return { status: response.status, text, message };
  }

  /** A connection on which the test writes itself. */
  async open(): Promise<RawConnection> {
    const socket = connect(this.port, "127.0.0.1");
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.app.server.closeAllConnections();
    await this.app.close();
    await this.stacks.close();
    await this.control.end();
    await this.logs.close();
  }
}

export class RawConnection {
  readonly socket: Socket;
  #received = "";

  constructor(socket: Socket) {
    this.socket = socket;
    // A cut connection shows by its end.
    socket.on("error", () => undefined);
  }

  send(method: string, target: string, headers: Readonly<Record<string, string | number>>, body?: Uint8Array): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
    if (body !== undefined) this.socket.write(body);
  }

  /** The status line and headers of the next answer; null where the connection ends before. */
  async head(): Promise<string | null> {
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end !== -1) {
        const head = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 4);
        return head;
      }
      const bytes = await this.#next();
      if (bytes === null) return null;
      this.#received += bytes;
    }
  }

  async #next(): Promise<string | null> {
    const stop = new AbortController();
    try {
      return await Promise.race([
        once(this.socket, "data", { signal: stop.signal }).then(([bytes]) => String(bytes)),
        this.closed(stop.signal).then(() => null),
      ]);
    } finally {
      stop.abort();
    }
  }

  async closed(signal?: AbortSignal): Promise<void> {
    if (!this.socket.destroyed)
      await once(this.socket, "close", signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}
