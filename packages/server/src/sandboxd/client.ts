/**
 * Client of sandboxd: JSON lines on a unix socket, requests outstanding at once, events by sandbox. Byte form:
 * docs/formats/sandboxd-protocol.md. When the connection ends, sandboxd destroys all our sandboxes: every request fails
 * with SANDBOX_LOST and every sandbox counts as exited.
 */
import assert from "node:assert";
import { type Socket, connect } from "node:net";
import { type EnvironmentId, isSnapshotId } from "../base/ids.ts";
import { onLines } from "../base/lines.ts";
import { inOrder, isHostPhase, type Phase } from "../model/phases.ts";
import type { CapturedSnapshot, SandboxExit, SandboxSpec, SandboxUsage } from "../ports/engine.ts";
import type { HostCapture, HostEngine, HostFacts, HostedSandbox, SandboxHost } from "../ports/sandbox-host.ts";
import { readHostError, SandboxError } from "./errors.ts";
import { hostUidOf } from "./host-uids.ts";
import { readObservation } from "./observation.ts";
import type { ChunkAnswer, SnapshotFindings, SnapshotSecrets, WorkingSetInfo } from "../ports/snapshot-disk.ts";

const PROTOCOL = 3;

interface Waiting {
  resolve(value: Record<string, unknown>): void;
  reject(error: Error): void;
}

interface Message {
  readonly id?: number;
  readonly ok?: Record<string, unknown>;
  readonly error?: { readonly code: string; readonly message: string };
  readonly event?: string;
  readonly sandbox?: string;
  readonly oom?: boolean;
  readonly snapshotDamaged?: boolean;
  readonly chunk?: string;
  readonly isDamaged?: boolean;
}

class SandboxdClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exits = new Map<string, (exit: SandboxExit) => void>();
  readonly lost: Promise<void>;
  /** Fetches a chunk. Without a far store, a chunk that the host lacks is nowhere. */
  fetchChunk: (chunk: string, isDamaged: boolean) => Promise<ChunkAnswer> = async () => "nowhere";
  #nextId = 1;
  #isLost = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    onLines(socket, (line) => this.#receive(JSON.parse(line) as Message));
    this.lost = new Promise((resolve) => {
      socket.once("close", () => {
        this.#loseAll();
        resolve();
      });
    });
    socket.on("error", () => socket.destroy());
  }

  request(op: string, members: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
    if (this.#isLost) return Promise.reject(new SandboxError("SANDBOX_LOST", "not connected"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, op, ...members })}\n`);
    });
  }

  /** Watches for an exit. Call it before the request that makes the sandbox, so that an early exit is not missed. */
  watchExit(sandbox: string): Promise<SandboxExit> {
    return new Promise((resolve) => this.#exits.set(sandbox, resolve));
  }

  forget(sandbox: string): void {
    this.#exits.delete(sandbox);
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(message: Message): void {
    if (message.event === "exited" && message.sandbox !== undefined) {
      this.#exits.get(message.sandbox)?.({
        oom: message.oom === true,
        snapshotDamaged: message.snapshotDamaged === true,
      });
      this.#exits.delete(message.sandbox);
      return;
    }
    if (message.event === "chunkWanted" && message.chunk !== undefined) {
      void this.#fetchChunk(message.chunk, message.isDamaged === true);
      return;
    }
    assert(message.id !== undefined, "sandboxd: an answer without an id");
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) waiting?.reject(readHostError(message.error));
    else waiting?.resolve(message.ok ?? {});
  }

  async #fetchChunk(chunk: string, isDamaged: boolean): Promise<void> {
    const answer = await this.fetchChunk(chunk, isDamaged).catch(() => "late" as const);
    // Without sandboxd nobody waits for it any more.
    await this.request("chunk", { chunk, answer }).catch(() => undefined);
  }

  #loseAll(): void {
    this.#isLost = true;
    for (const waiting of this.#waiting.values())
      waiting.reject(new SandboxError("SANDBOX_LOST", "the connection ended"));
    for (const exit of this.#exits.values()) exit({ oom: false, snapshotDamaged: false });
    this.#waiting.clear();
    this.#exits.clear();
  }
}

/** Reads sandboxd's steps, which come in order of work and follow one another without a gap. */
function toPhases(steps: unknown): readonly Phase[] {
  return inOrder(
    (steps as ReadonlyArray<readonly [string, number]>).map(([name, durationMs]) => {
      assert(isHostPhase(name), `sandboxd: an unknown phase ${name}`);
      return [name, durationMs];
    }),
  );
}

function wireSpec(spec: SandboxSpec): Record<string, unknown> {
  return {
    root: spec.root,
    lang: spec.lang,
    ...(spec.programs === undefined ? {} : { programs: spec.programs }),
    client: spec.client,
    task: spec.task,
    opt: spec.opt,
    uid: hostUidOf(spec.uid),
    memoryMib: spec.memorySizeMib,
    tmpMib: spec.tmpSizeMib,
    fileSystems: spec.fileSystems,
    ...(spec.hostPorts.length > 0 ? { hosts: spec.hostPorts } : {}),
    ...(spec.callsServices ? { services: true } : {}),
    ...(spec.recordsSent ? { recordsSent: true } : {}),
  };
}

function wireSecrets(secrets: SnapshotSecrets): Record<string, string> {
  return { dataKey: secrets.dataKey.toString("hex"), chunkSecret: secrets.chunkSecret.toString("hex") };
}

function readFacts(hello: Record<string, unknown>): HostFacts {
  const criu = hello["criu"] as { version: string } | null;
  return {
    criuVersion: criu?.version ?? null,
    criuProblem: hello["criuProblem"] as string | null,
    cgroupVersion: hello["cgroup"] as "v1" | "v2",
    cpuFingerprint: hello["cpuFingerprint"] as string,
    supervisorBuild: hello["supervisorBuild"] as string | null,
    kernel: hello["kernel"] as string,
    hasNetwork: hello["network"] as boolean,
    tmpQuota: hello["tmpQuota"] as "loop" | "tmpfs",
  };
}

function connectSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => reject(new SandboxError("SANDBOX_LOST", `${path}: ${error.message}`)));
  });
}

/** Makes a sandbox by `create` or `restore`. Throws a SandboxError when sandboxd refuses or is gone. */
async function makeSandbox(
  client: SandboxdClient,
  op: "create" | "restore",
  engine: HostEngine,
  spec: SandboxSpec,
  members: Readonly<Record<string, unknown>> = {},
): Promise<HostedSandbox> {
  const sandbox = spec.environmentId;
  const exited = client.watchExit(sandbox);
  try {
    const made = await client.request(op, { engine, sandbox, spec: wireSpec(spec), ...members });
    return { controlSocket: made["controlSocket"] as string, phases: toPhases(made["phases"]), exited };
  } catch (error) {
    client.forget(sandbox);
    throw error;
  }
}

async function takeSnapshot(
  client: SandboxdClient,
  engine: HostEngine,
  sandbox: EnvironmentId,
  { snapshotId: snapshot, fingerprint, secrets }: HostCapture,
): Promise<CapturedSnapshot> {
  client.forget(sandbox);
  const members = { snapshot, fingerprint, ...wireSecrets(secrets) };
  const taken = await client.request("snapshot", { engine, sandbox, ...members });
  return {
    memoryBytes: taken["memoryBytes"] as number,
    diskBytes: taken["diskBytes"] as number,
    newBytes: taken["newBytes"] as number,
    cutConnections: taken["cutConnections"] as number,
    phases: toPhases(taken["phases"]),
  };
}

async function readUsage(client: SandboxdClient, sandbox: EnvironmentId, reset: boolean): Promise<SandboxUsage> {
  const usage = await client.request("usage", { sandbox, reset });
  return {
    memoryBytes: usage["memoryBytes"] as number,
    memoryMaxBytes: usage["memoryMaxBytes"] as number,
    oomKills: usage["oomKills"] as number,
  };
}

/** Connects to sandboxd's socket. Throws a SandboxError (SANDBOX_LOST) when nobody listens there. */
export async function connectSandboxd(path: string): Promise<SandboxHost> {
  const client = new SandboxdClient(await connectSocket(path));
  const facts = readFacts(await client.request("hello", { protocol: PROTOCOL }));
  return {
    facts,
    lost: client.lost,
    create: (engine, spec) => makeSandbox(client, "create", engine, spec),
    restore: (engine, spec, { snapshotId, fingerprint, dataKey }) => {
      const members = { snapshot: snapshotId, fingerprint, dataKey: dataKey.toString("hex") };
      return makeSandbox(client, "restore", engine, spec, members);
    },
    snapshot: (engine, sandbox, capture) => takeSnapshot(client, engine, sandbox, capture),
    recordWorkingSet: async (sandbox, recordingsMax) =>
      (await client.request("recordWorkingSet", { sandbox, recordingsMax })) as unknown as WorkingSetInfo,
    repack: async (snapshot, secrets) => void (await client.request("repack", { snapshot, ...wireSecrets(secrets) })),
    search: async (snapshot, dataKey, needles) =>
      (await client.request("inspect", {
        snapshot,
        dataKey: dataKey.toString("hex"),
        needles: needles.map((needle) => needle.toString("hex")),
      })) as unknown as SnapshotFindings,
    observe: async (sandbox) => readObservation(await client.request("observe", { sandbox })),
    collectChunks: async () => void (await client.request("collectChunks")),
    onChunkWanted(fetch) {
      client.fetchChunk = fetch;
    },
    freeze: async (sandbox) => void (await client.request("freeze", { sandbox })),
    thaw: async (sandbox) => void (await client.request("thaw", { sandbox })),
    openDoor: async ({ port, certificate, servicesPort }) => {
      const services = servicesPort === null ? {} : { services: servicesPort };
      await client.request("door", { port, certificate, ...services });
    },
    network: async () => {
      const { rulesRestored, problem } = await client.request("network");
      return { rulesRestored: rulesRestored as number, problem: problem as string | null };
    },
    boost: async (sandbox, on) => void (await client.request("boost", { sandbox, on })),
    usage: (sandbox, reset) => readUsage(client, sandbox, reset),
    async destroy(sandbox) {
      client.forget(sandbox);
      await client.request("destroy", { sandbox });
    },
    async listSnapshots() {
      const { snapshots } = await client.request("listSnapshots");
      return (snapshots as string[]).filter(isSnapshotId);
    },
    removeSnapshot: async (snapshot) => void (await client.request("removeSnapshot", { snapshot })),
    close: () => client.close(),
  };
}
