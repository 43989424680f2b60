/** What becomes of calls when the worker on another host is not there, goes away, hangs, or is not the one meant. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer as createHttpsServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Clock, newSnapshotId, systemClock } from "@thaw/server/testing/base";
import { FakeClock, type FakeFunction } from "@thaw/server/testing/fakes";
import type { InvokeOutcome, InvokeSuccess } from "@thaw/server/testing/ports";
import {
  issueCertificate,
  type KeyedCertificate,
  makeAuthority,
  PROTOCOL,
  PROTOCOL_HEADER,
  RemoteWorker,
  workerName,
} from "@thaw/server/testing/remote-worker";
import { Between } from "./between.ts";
import { json, whole, WorkerHarness } from "./harness.ts";
import { certificates, remote, type RemoteHost } from "./remote.ts";

const UNREACHABLE = {
  kind: "platform-error",
  code: "WORKER_UNREACHABLE",
  message: "The worker on another host can't be reached. Nothing was run.",
};
const LOST = {
  kind: "platform-error",
  code: "WORKER_LOST",
  message: "The worker on another host went away before it had answered. The function may have run.",
};

let harness: WorkerHarness;
let host: RemoteHost;
/** Runs of the handler. */
let runs: string[] = [];
let running = Promise.withResolvers<null>();
let hold = Promise.withResolvers<string>();

/** A function that waits for `hold` where its event says so. */
const waiting: FakeFunction = {
  handle: (_process, { requestId, payload }) => {
    runs.push(requestId);
    running.resolve(null);
    return payload === "wait" ? hold.promise : '"done"';
  },
};

beforeEach(async () => {
  runs = [];
  running = Promise.withResolvers();
  hold = Promise.withResolvers();
  harness = new WorkerHarness(waiting);
  host = await remote(harness.worker);
});

afterEach(async () => {
  hold.resolve('"late"');
  await host.end();
  await harness.end();
});

function invoke(payload = "{}", through = host.worker): Promise<InvokeOutcome> {
  return through.invoke(harness.version(), harness.input({ payload: Buffer.from(payload) }));
}

async function answerOf(outcome: InvokeOutcome): Promise<unknown> {
  const taken = await whole(outcome);
  return taken.kind === "response" ? json(taken) : taken;
}

async function reaching(port: number, clock: Clock): Promise<RemoteWorker> {
  const { authority, control } = await certificates();
  const address = { workerId: "w1", host: "127.0.0.1", port };
  return new RemoteWorker(
    { ...address, identity: control, authority: authority.certificate },
    { clock, taker: null, packages: null },
  );
}

describe("a worker that goes away", () => {
  test("before a call: nothing was run, and every kind of call says so", async () => {
    await host.listener.close();
    expect(await invoke()).toEqual(UNREACHABLE);
    const { signal } = new AbortController();
    expect(await host.worker.createSnapshot(harness.version(), newSnapshotId(), signal)).toEqual(UNREACHABLE);
    await expect(host.worker.report()).rejects.toMatchObject({ code: "WORKER_UNREACHABLE", transient: true });
    await expect(host.worker.hello()).rejects.toMatchObject({ code: "WORKER_UNREACHABLE" });
    expect(runs).toEqual([]);
    host = await remote(harness.worker);
  });

  test("within an invoke: it is said that the function may have run, and it is not run again", async () => {
    const outcome = invoke("wait");
    await running.promise;
    await host.listener.close();
    expect(await outcome).toEqual(LOST);
    hold.resolve('"late"');
    host.worker.hangUp();
    host = await remote(harness.worker);
    expect(await answerOf(await invoke())).toBe("done");
    expect(runs).toHaveLength(2);
  });

  test("and comes back at its address: the next call reaches it", async () => {
    const between = await Between.to(host.listener.port);
    const client = await reaching(between.port, systemClock);
    expect(await answerOf(await invoke("{}", client))).toBe("done");
    await host.listener.close();
    // The first call after it may still take the connection of before, of which nothing is known then.
    await expect(client.hello()).rejects.toMatchObject({ code: expect.stringMatching(/^WORKER_(LOST|UNREACHABLE)$/) });
    expect(await invoke("{}", client)).toEqual(UNREACHABLE);
    host.worker.hangUp();
    host = await remote(harness.worker);
    between.target = host.listener.port;
    expect(await answerOf(await invoke("{}", client))).toBe("done");
    expect(runs).toHaveLength(2);
    client.hangUp();
    await between.close();
  });

  test("within a response that is streamed: the caller has its beginning, and is told that it was cut", async () => {
    const more = Promise.withResolvers<null>();
    const streaming = new WorkerHarness({
      handle: () =>
        (async function* (): AsyncGenerator<Buffer> {
          yield Buffer.from("half");
          await more.promise;
        })(),
    });
    const other = await remote(streaming.worker);
    const outcome = await other.worker.invoke(streaming.version(), streaming.input({ isStreamed: true }));
    const { payload, stream } = outcome as InvokeSuccess;
    const reader = payload[Symbol.asyncIterator]();
    expect((await reader.next()).value?.toString()).toBe("half");
    await other.listener.close();
    await expect(reader.next()).rejects.toThrow("a body that was cut off");
    expect(await stream?.completion).toEqual({ error: { code: "Sandbox.Failure", details: "" }, logTail: null });
    more.resolve(null);
    await streaming.clock.advance(0);
    // The function was not told, as on AWS.
    expect(streaming.invocations).toMatchObject([{ outcome: "success" }]);
    other.worker.hangUp();
    await streaming.end();
  });
});

test("a control plane that goes away within the making of a snapshot cancels it", async () => {
  const initialising = Promise.withResolvers<null>();
  const making = new WorkerHarness({
    init: () => {
      initialising.resolve(null);
      return new Promise(() => undefined);
    },
  });
  const told = Promise.withResolvers<unknown>();
  const createSnapshot = making.worker.createSnapshot.bind(making.worker);
  const other = await remote(
    Object.assign(making.worker, {
      createSnapshot: (...parameters: Parameters<typeof createSnapshot>) => {
        const outcome = createSnapshot(...parameters);
        told.resolve(outcome);
        return outcome;
      },
    }),
  );
  const outcome = other.worker.createSnapshot(making.version(), newSnapshotId(), new AbortController().signal);
  await initialising.promise;
  other.worker.hangUp();
  expect(await outcome).toEqual(LOST);
  expect(await told.promise).toEqual({ kind: "cancelled" });
  await other.end();
  await making.end();
});

test("a worker that hangs is given up after 15 s, is asked nothing more, and is found again", async () => {
  const clock = new FakeClock();
  const between = await Between.to(host.listener.port);
  const client = await reaching(between.port, clock);
  expect(await answerOf(await invoke("{}", client))).toBe("done");
  between.hold();
  const lost = invoke("wait", client);
  await clock.advance(5000);
  await clock.advance(10_000);
  expect(await lost).toEqual(LOST);
  expect(await invoke("{}", client)).toEqual(UNREACHABLE);
  await expect(client.report()).rejects.toMatchObject({ code: "WORKER_UNREACHABLE" });
  between.release();
  await clock.advance(5000);
  // Heard of in the time of a network, which is on no fake clock.
  let outcome = await invoke("{}", client);
  while (outcome.kind === "platform-error") {
    await new Promise((resolve) => setImmediate(resolve));
    outcome = await invoke("{}", client);
  }
  expect(await answerOf(outcome)).toBe("done");
  client.hangUp();
  await between.close();
});

describe("who is not of the installation", () => {
  async function reachedBy(identity: KeyedCertificate | null, workerId = "w1"): Promise<InvokeOutcome> {
    const { authority } = await certificates();
    const address = { workerId, host: "127.0.0.1", port: host.listener.port, authority: authority.certificate };
    const client = new RemoteWorker(
      { ...address, identity: identity ?? { key: "", certificate: "" } },
      { clock: systemClock, taker: null, packages: null },
    );
    const outcome = await invoke("{}", client);
    client.hangUp();
    return outcome;
  }

  const wish = { nowMs: systemClock.nowMs(), lifetimeMs: 3_600_000 };

  test("gives no orders: no certificate, another authority's, a worker's, one that is over", async () => {
    const { authority } = await certificates();
    const stranger = await makeAuthority({ name: "Thaw installation", ...wish });
    const over = { nowMs: systemClock.nowMs() - 7 * 24 * 3_600_000, lifetimeMs: 1000 };
    const name = "control.thaw.internal";
    for (const identity of [
      null,
      await issueCertificate({ name, ...wish }, ["client"], stranger),
      await issueCertificate({ name: workerName("w2"), ...wish }, ["client", "server"], authority),
      await issueCertificate({ name, ...wish }, ["server"], authority),
      await issueCertificate({ name, ...over }, ["client"], authority),
    ])
      expect(await reachedBy(identity)).toMatchObject({ kind: "platform-error" });
    expect(runs).toEqual([]);
  });

  test("is given none: a host that is another worker, or says that it is one", async () => {
    const { control } = await certificates();
    expect(await reachedBy(control, "w2")).toEqual(UNREACHABLE);
    expect(runs).toEqual([]);
  });
});

describe("a worker of another release", () => {
  async function send(path: string, headers: Readonly<Record<string, string>>, body = ""): Promise<[number, Buffer]> {
    const { authority, control } = await certificates();
    const request = httpsRequest({
      host: "127.0.0.1",
      port: host.listener.port,
      servername: workerName("w1"),
      key: control.key,
      cert: control.certificate,
      ca: authority.certificate,
      method: "POST",
      path,
      headers,
    });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return [response.statusCode ?? 0, Buffer.concat(await response.toArray())];
  }

  const SENTENCE = `The worker w1 speaks protocol ${PROTOCOL} of workers, this server 99: install the same release of Thaw on both hosts.`;

  test("refuses with a sentence that says what to do, and runs nothing", async () => {
    const [status, body] = await send("/invoke", { [PROTOCOL_HEADER]: "99" });
    expect([status, body.subarray(5).toString()]).toEqual([
      426,
      JSON.stringify({ code: "WORKER_OTHER_PROTOCOL", message: SENTENCE }),
    ]);
    expect(runs).toEqual([]);
    const { worker: own } = await certificates();
    const other = createHttpsServer({ key: own.key, cert: own.certificate }, (_request, response) => {
      response.writeHead(426);
      response.end(body);
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const client = await reaching((other.address() as AddressInfo).port, systemClock);
    await expect(client.hello()).rejects.toMatchObject({ code: "WORKER_OTHER_PROTOCOL", publicMessage: SENTENCE });
    expect(await invoke("{}", client)).toEqual({
      kind: "platform-error",
      code: "WORKER_OTHER_PROTOCOL",
      message: SENTENCE,
    });
    client.hangUp();
    other.closeAllConnections();
    other.close();
    await once(other, "close");
  });

  test("a call that there is not is refused by its name", async () => {
    const own = { [PROTOCOL_HEADER]: String(PROTOCOL) };
    for (const name of ["constructor", "__proto__", "shutDown", ""]) {
      const [status, body] = await send(`/${name}`, own);
      expect([status, body.subarray(5).toString()]).toEqual([
        404,
        JSON.stringify({ code: null, message: `a worker has no call ${name}` }),
      ]);
    }
  });

  test("a call that is no frames is not heard to its end", async () => {
    await expect(send("/report", { [PROTOCOL_HEADER]: String(PROTOCOL) }, "GET / HTTP/1.1")).rejects.toThrow();
    const [, body] = await send("/report", { [PROTOCOL_HEADER]: String(PROTOCOL) });
    expect(body.subarray(5).toString()).toBe('{"code":null,"message":"a call without a head"}');
  });
});

test("a fault of the worker's is told to both sides", async () => {
  const broken = await remote(
    Object.assign(Object.create(harness.worker), {
      invoke: () => Promise.reject(new Error("an invariant")),
      report: () => Promise.reject(new Error("another")),
    }),
  );
  await expect(invoke("{}", broken.worker)).rejects.toThrow("an invariant");
  await expect(broken.worker.report()).rejects.toThrow("another");
  expect(broken.problems).toEqual([
    "a control plane's call invoke: Error: an invariant",
    "a control plane's call report: Error: another",
  ]);
  await broken.end();
});
