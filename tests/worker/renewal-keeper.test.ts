/** A worker that runs has its certificate renewed in time, and shows the new one. */
import { once } from "node:events";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "@thaw/server/testing/base";
import {
  issueForControl,
  readIdentity,
  RENEW_BEFORE_MS,
  RenewalKeeper,
  renewIdentity,
  WORKER_LIFETIME_MS,
  type WorkerIdentity,
} from "@thaw/server/testing/cluster";
import { FakeClock } from "@thaw/server/testing/fakes";
import { type KeyedCertificate, RemoteWorker, WorkerListener, workerName } from "@thaw/server/testing/remote-worker";
import { WorkerHarness } from "./harness.ts";
import { Installation } from "./installation.ts";

const HOUR_MS = 3_600_000;
const UNTIL_DUE_MS = WORKER_LIFETIME_MS - RENEW_BEFORE_MS;

let installation: Installation;
let dataDir: string;
let first: WorkerIdentity;

beforeEach(async () => {
  installation = await Installation.make();
  dataDir = installation.workerDir();
  first = await installation.join({ dataDir });
});

afterEach(async () => {
  await installation.end();
  expect(installation.problems).toEqual([]);
});

describe("a keeper", () => {
  let clock: FakeClock;
  let keeper: RenewalKeeper | null;
  /** What it told of, in order; `next` resolves at the next one. */
  let told: unknown[];
  let next: PromiseWithResolvers<null>;

  beforeEach(() => {
    clock = new FakeClock(systemClock.nowMs());
    keeper = null;
    told = [];
    next = Promise.withResolvers();
  });

  afterEach(() => keeper?.close());

  function begin(): void {
    keeper = new RenewalKeeper(first, {
      dataDir,
      clock,
      onRenewed: tell,
      onProblem: (what, error) => tell(`${what}: ${(error as Error).message}`),
    });
  }

  function tell(what: unknown): void {
    told.push(what);
    next.resolve(null);
  }

  async function after(ms: number): Promise<void> {
    next = Promise.withResolvers();
    await clock.advance(ms);
    await next.promise;
  }

  test("renews in the month before the end, and not before", async () => {
    begin();
    await clock.advance(UNTIL_DUE_MS - HOUR_MS);
    // It waits again, so the last look has ended, without a try.
    expect(clock.timerCount).toBe(1);
    expect(told).toEqual([]);
    await installation.clock.advance(UNTIL_DUE_MS);
    await after(HOUR_MS);
    expect(told).toEqual([readIdentity(dataDir)]);
    expect(readIdentity(dataDir)?.certificate).not.toBe(first.certificate);
  });

  test("tells of a try that failed, and tries again six hours later", async () => {
    installation.membership.remove(first.workerId);
    begin();
    await after(UNTIL_DUE_MS);
    await after(6 * HOUR_MS);
    const removed = `renew the certificate of this worker: The worker ${first.workerId} was removed from this installation: join again with a token.`;
    expect(told).toEqual([removed, removed]);
    expect(readIdentity(dataDir)).toEqual(first);
  });

  test("that is closed looks no more", async () => {
    begin();
    expect(clock.timerCount).toBe(1);
    keeper?.close();
    expect(clock.timerCount).toBe(0);
  });
});

describe("a worker that joined", () => {
  test("takes orders by its own certificate, and by the renewed one without a new start", async () => {
    const { authority } = installation;
    const control = await issueForControl(authority, systemClock.nowMs());
    const harness = new WorkerHarness({ handle: () => '"done"' });
    const { workerId } = first;
    const shared = { workerId, authority: authority.certificate };
    const listener = await WorkerListener.listen(
      { ...shared, worker: harness.worker, identity: first, news: null, contents: null, onProblem: () => undefined },
      "127.0.0.1",
      0,
    );
    const { port } = listener;
    await greet(port, control);
    expect(await shownAt(port, control)).toBe(first.certificate);
    const second = await renewIdentity(dataDir, first, systemClock);
    listener.identify(second);
    expect(await shownAt(port, control)).toBe(second.certificate);
    await greet(port, control);
    // It asks for certificates as before.
    await expect(greet(port, second)).rejects.toThrow();
    await listener.close();
    await harness.end();
  });

  async function greet(port: number, identity: KeyedCertificate): Promise<void> {
    const address = {
      host: "127.0.0.1",
      port,
      workerId: first.workerId,
      authority: installation.authority.certificate,
    };
    const client = new RemoteWorker({ ...address, identity }, { clock: systemClock, taker: null, packages: null });
    try {
      await client.hello();
    } finally {
      client.hangUp();
    }
  }

  async function shownAt(port: number, { key, certificate: cert }: KeyedCertificate): Promise<string | undefined> {
    const ca = installation.authority.certificate;
    const socket = connect({ host: "127.0.0.1", port, servername: workerName(first.workerId), key, cert, ca });
    await once(socket, "secureConnect");
    const shown = socket.getPeerX509Certificate()?.toString();
    socket.destroy();
    return shown;
  }
});
