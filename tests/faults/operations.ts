/**
 * What is done while a fault happens, and what must be true afterwards. `prepare` runs before a point is armed, `run`
 * meets it; after a kill the server has been started again when `settle` is called, which finds the end of the
 * operation and judges it.
 */
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  PublishVersionCommand,
  SnapStartNotReadyException,
  type GetFunctionConfigurationCommandOutput,
} from "@aws-sdk/client-lambda";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ACCESS_POINT } from "../support/access-point.ts";
import type { Invoked } from "../support/functions.ts";
import type { FaultHost } from "./fault-host.ts";
import type { Fault } from "./fault-control.ts";

export const OPERATIONS = ["publish", "restore", "invoke", "refresh", "expire", "delete", "collect"] as const;
export type OperationName = (typeof OPERATIONS)[number];

export interface Subject {
  readonly name: string;
  readonly version: string;
  /** Before the fault. */
  readonly snapshotId: string | null;
}

export type Outcome = { readonly ok: unknown } | { readonly error: Error };

export interface Operation {
  prepare(host: FaultHost): Promise<Subject>;
  run(host: FaultHost, subject: Subject): Promise<unknown>;
  /** While a delay lasts, where the server is not held up as a whole. */
  whileHeld?(host: FaultHost, subject: Subject, point: string): Promise<void>;
  settle(host: FaultHost, subject: Subject, outcome: Outcome, fault: Fault | null): Promise<void>;
}

/** What a client may be told of a fault of the platform. */
const DOCUMENTED = new Set([
  "ServiceException",
  "SnapStartException",
  "SnapStartTimeoutException",
  "SnapStartNotReadyException",
  "EC2ThrottledException",
]);
const PROVIDED = { Runtime: "provided.al2023", Handler: "x", MemorySize: 128, Timeout: 60 } as const;

/** Each start collects chunks before it listens. */
const HOLDS_START_UP = new Set(["collect.marked", "collect.sweeping", "host.collected"]);

let count = 0;

function programOf(answer: string): string {
  return `#!/usr/bin/python3
import http.client, json, os
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
api = http.client.HTTPConnection(host, int(port))
kept = os.urandom(1 << 18)
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    response = api.getresponse()
    event = json.loads(response.read())
    if isinstance(event, dict) and "n" in event:
        with open("/mnt/events/carried-out", "a") as log: log.write("%d\\n" % event["n"])
    if isinstance(event, dict) and "reads" in event: sum(kept[::4096])
    api.request("POST", "/2018-06-01/runtime/invocation/%s/response" % response.headers["Lambda-Runtime-Aws-Request-Id"], json.dumps("${answer}"))
    api.getresponse().read()
`;
}

/** A function whose answer is its own name. Python of the host, or Node.js where the runtime has to have releases. */
export async function createFunction(host: FaultHost, kind: "python" | "node" = "python"): Promise<string> {
  const FunctionName = `f-${++count}`;
  if (kind === "node")
    return host.functions.createSnapStart(
      { "index.mjs": `export const handler = async () => "${FunctionName}";\n` },
      { FunctionName },
    );
  return host.functions.createSnapStart({ bootstrap: programOf(FunctionName) }, { FunctionName, ...PROVIDED });
}

export async function publishedFunction(host: FaultHost, kind: "python" | "node" = "python"): Promise<Subject> {
  const name = await createFunction(host, kind);
  const { Version = "" } = await host.functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  expect(await decided(host, name, Version)).toMatchObject({ State: "Active" });
  return { name, version: Version, snapshotId: host.row(name, Version)?.snapshotId ?? null };
}

/** Chunks are collected when no clone is left that may read what no manifest names any more. */
async function stopAllEnvironments(host: FaultHost): Promise<void> {
  await host.functions.admin("POST", "environments/stop", Buffer.from("{}"));
}

/** From a new clone, whatever runs already. */
export async function invokeCold(host: FaultHost, { name, version }: Subject): Promise<Invoked> {
  await host.functions.stopEnvironments(name);
  return host.functions.invoke(name, {}, version);
}

export async function answersRight(host: FaultHost, subject: Subject): Promise<void> {
  const answer = await host.until(`${subject.name} answers`, () => invokeCold(host, subject).catch(nullIfDocumented));
  expect(answer).toMatchObject({ status: 200, payload: subject.name });
  expect(answer.functionError).toBeUndefined();
  expect(answer.log).toContain("Restore Duration");
}

function nullIfDocumented(error: Error): null {
  if (!DOCUMENTED.has(error.name)) throw error;
  return null;
}

function checkDocumented(outcome: Outcome, fault: Fault | null): void {
  if (!("error" in outcome)) return;
  expect(fault, `nothing fails without a fault, or by a delay: ${outcome.error.message}`).not.toBe("delay");
  expect(fault, outcome.error.message).not.toBe(null);
  // A server that is killed closes the connection.
  if (fault === "error") expect(DOCUMENTED, outcome.error.message).toContain(outcome.error.name);
}

/** A version that is being made is Active or Failed then. */
function decided(host: FaultHost, name: string, version: string): Promise<GetFunctionConfigurationCommandOutput> {
  return host.until(`${name}:${version} is decided`, async () => {
    const now = await configuration(host, { name, version, snapshotId: null });
    return now.State !== "Pending" && now;
  });
}

async function remove(host: FaultHost, { name }: Subject): Promise<void> {
  await host.functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
}

function configuration(host: FaultHost, { name, version }: Subject): Promise<GetFunctionConfigurationCommandOutput> {
  return host.functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }));
}

const publish: Operation = {
  prepare: async (host) => ({ name: await createFunction(host), version: "1", snapshotId: null }),
  async run(host, { name, version }) {
    await host.functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
    await decided(host, name, version);
  },
  async whileHeld(host, subject) {
    expect((await configuration(host, subject)).State, "nothing is Active before it is whole").toBe("Pending");
  },
  async settle(host, subject, outcome, fault) {
    checkDocumented(outcome, fault);
    let isThere = host.row(subject.name, subject.version) !== null;
    if (isThere) {
      const { State } = await decided(host, subject.name, subject.version);
      // Only an error is a reason to fail; a killed process is not the function's fault.
      if (fault !== "error") expect(State).toBe("Active");
      else if (State === "Failed") {
        expect(host.row(subject.name, subject.version)?.snapshotId).toBe(null);
        await stopAllEnvironments(host);
        await host.until("what it had written has gone", () => host.storage.leftovers("near").length === 0);
        isThere = false;
      }
    }
    let last = subject;
    if (!isThere) {
      const { Version = "" } = await host.functions.lambda.send(
        new PublishVersionCommand({ FunctionName: subject.name }),
      );
      last = { ...subject, version: Version };
      expect(await decided(host, subject.name, Version)).toMatchObject({ State: "Active" });
    }
    await answersRight(host, last);
    await remove(host, subject);
  },
};

/**
 * On a host that has not got the snapshot any more, but for what its processes hold in memory; the second restore of
 * its life.
 */
const restore: Operation = {
  async prepare(host) {
    const subject = await publishedFunction(host);
    await answersRight(host, subject);
    await host.until("the working set is afar", async () =>
      existsSync(join(host.farDir, "snapshots", subject.snapshotId ?? "", "working-set")),
    );
    await host.functions.stopEnvironments(subject.name);
    rmSync(join(host.dataDir, "snapshots", subject.snapshotId ?? ""), { recursive: true });
    // Not the directory itself: sandboxd and the pager have it open.
    for (const group of readdirSync(join(host.dataDir, "chunks")))
      rmSync(join(host.dataDir, "chunks", group), { recursive: true });
    return subject;
  },
  async run(host, { name, version }) {
    // What no working set has: a restore with a good one has no faults.
    const answer = await host.functions.invoke(name, { reads: true }, version);
    expect(answer).toMatchObject({ status: 200, payload: name });
  },
  async settle(host, subject, outcome, fault) {
    checkDocumented(outcome, fault);
    await answersRight(host, subject);
    await remove(host, subject);
  },
};

/** The first invoke of a version, a warm one, and an event for a function that leaves a trace of it outside. */
const invoke: Operation = {
  prepare: (host) => publishedFunction(host),
  async run(host, { name, version }) {
    for (const _ of ["cold", "warm"]) {
      expect(await host.functions.invoke(name, {}, version)).toMatchObject({ status: 200, payload: name });
      await host.until("frozen", async () =>
        (await host.functions.environments(name)).every((each) => each.state === "idle"),
      );
    }
    const event = Buffer.from(JSON.stringify({ n: numberOf(name) }));
    await host.functions.lambda.send(
      new InvokeCommand({ FunctionName: EVENTS, InvocationType: "Event", Payload: event }),
    );
    accepted.add(name);
    await host.until("the queue is empty", () => host.countEvents() === 0);
  },
  async settle(host, subject, outcome, fault) {
    checkDocumented(outcome, fault);
    await host.until("the queue is empty", () => host.countEvents() === 0);
    if (accepted.delete(subject.name))
      expect(host.carriedOut(), "an accepted event is carried out").toContain(numberOf(subject.name));
    await answersRight(host, subject);
    await remove(host, subject);
  },
};
/** Functions whose event was answered 202: those may not be lost. */
const accepted = new Set<string>();

const EVENTS = "events";

/** What is sent to it is written outside of Thaw: a log may be behind by what a killed server had not written yet. */
export async function createEventsFunction(host: FaultHost): Promise<void> {
  const FileSystemConfigs = [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/events" }];
  await host.functions.create(
    { bootstrap: programOf(EVENTS) },
    { FunctionName: EVENTS, ...PROVIDED, FileSystemConfigs },
  );
}

function numberOf(name: string): number {
  return Number(name.slice(2));
}

/** The start finds a newer release of the runtime and makes a new snapshot beside the old one. */
const refresh: Operation = {
  async prepare(host) {
    const subject = await publishedFunction(host, "node");
    await host.stop();
    host.updateRuntime();
    return subject;
  },
  async run(host, subject) {
    await host.start();
    await host.until("a new snapshot, or none", async () => {
      const row = host.row(subject.name, subject.version);
      return row?.snapshotId !== subject.snapshotId || row?.regenerationFailure !== null;
    });
  },
  async whileHeld(host, subject, point) {
    if (HOLDS_START_UP.has(point)) return;
    await host.started();
    expect(
      (await host.functions.invoke(subject.name, {}, subject.version)).payload,
      "the old snapshot is restored meanwhile",
    ).toBe(subject.name);
  },
  async settle(host, subject, _outcome, fault) {
    const row = host.row(subject.name, subject.version);
    expect(row?.state).toBe("Active");
    await answersRight(host, subject);
    if (fault !== "error") {
      await host.until(
        "refreshed",
        async () => host.row(subject.name, subject.version)?.snapshotId !== subject.snapshotId,
      );
      await answersRight(host, subject);
    }
    await remove(host, subject);
  },
};

/** The start finds a version that nobody has invoked for a month. */
const expire: Operation = {
  async prepare(host) {
    const subject = await publishedFunction(host);
    await host.stop();
    host.execute(
      `UPDATE version_uses SET used_at_ms = used_at_ms - ${30 * 86_400_000} WHERE function_name = '${subject.name}'`,
    );
    return subject;
  },
  async run(host, subject) {
    await host.start();
    await host.until("the snapshot has gone", async () => !host.storage.has(subject.snapshotId));
  },
  async settle(host, subject, _outcome, fault) {
    const { State } = await configuration(host, subject);
    if (fault !== "error") expect(State).toBe("Inactive");
    if (State === "Inactive") {
      expect(host.row(subject.name, subject.version)?.snapshotId, "its key has gone").toBe(null);
      await expect(host.functions.invoke(subject.name, {}, subject.version)).rejects.toBeInstanceOf(
        SnapStartNotReadyException,
      );
    }
    await answersRight(host, subject);
    await remove(host, subject);
  },
};

const delete_: Operation = {
  async prepare(host) {
    const subject = await publishedFunction(host);
    await stopAllEnvironments(host);
    return subject;
  },
  async run(host, subject) {
    await remove(host, subject);
    deleted.add(subject.name);
    await host.until("the snapshot has gone", async () => !host.storage.has(subject.snapshotId));
  },
  async settle(host, subject, outcome, fault) {
    checkDocumented(outcome, fault);
    const isThere = host.row(subject.name, subject.version) !== null;
    if (deleted.delete(subject.name)) expect(isThere, "what was deleted stays deleted").toBe(false);
    if (isThere) {
      await answersRight(host, subject);
      await remove(host, subject);
    }
    await expect(configuration(host, subject)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    expect(
      host.rows().some((row) => row.functionName === subject.name),
      "its key has gone",
    ).toBe(false);
  },
};
/** Functions whose deletion was answered. */
const deleted = new Set<string>();

/** The start finds a snapshot that no row names, near and far. */
const collect: Operation = {
  async prepare(host) {
    const subject = await publishedFunction(host);
    await host.stop();
    host.execute(`DELETE FROM functions WHERE name = '${subject.name}'`);
    return subject;
  },
  async run(host, subject) {
    await host.start();
    await host.until("the snapshot has gone", async () => !host.storage.has(subject.snapshotId));
  },
  settle: async () => undefined,
};

export const OPERATION: Readonly<Record<OperationName, Operation>> = {
  publish,
  restore,
  invoke,
  refresh,
  expire,
  delete: delete_,
  collect,
};
