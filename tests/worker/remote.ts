/** A worker that listens, and the one who gives it orders, on the loopback. */
import { systemClock } from "@thaw/server/testing/base";
import type { PackageSource, Worker, WorkerContents } from "@thaw/server/testing/ports";
import {
  CONTROL_NAME,
  issueCertificate,
  type KeyedCertificate,
  makeAuthority,
  type NewsTaker,
  RemoteWorker,
  WorkerListener,
  workerName,
  type WorkerNews,
} from "@thaw/server/testing/remote-worker";

const LIFETIME_MS = 24 * 3_600_000;

interface Certificates {
  readonly authority: KeyedCertificate;
  readonly control: KeyedCertificate;
  readonly worker: KeyedCertificate;
}

/** Makes the certificates of an installation with one worker, `w1`. */
async function makeCertificates(): Promise<Certificates> {
  const by = { nowMs: systemClock.nowMs(), lifetimeMs: LIFETIME_MS };
  const authority = await makeAuthority({ name: "Thaw installation", ...by });
  const [control, worker] = await Promise.all([
    issueCertificate({ name: CONTROL_NAME, ...by }, ["client"], authority),
    issueCertificate({ name: workerName("w1"), ...by }, ["server"], authority),
  ]);
  return { authority, control, worker };
}

let made: Promise<Certificates> | null = null;

/** The same for all tests of a file: keys take a while. */
export function certificates(): Promise<Certificates> {
  return (made ??= makeCertificates());
}

export interface RemoteHost {
  readonly worker: RemoteWorker;
  readonly listener: WorkerListener;
  readonly problems: string[];
  end(): Promise<void>;
}

interface RemoteOptions {
  readonly news?: WorkerNews | null;
  readonly taker?: NewsTaker | null;
  readonly contents?: WorkerContents | null;
  readonly packages?: PackageSource | null;
}

export async function remote(
  worker: Worker,
  { news = null, taker = null, contents = null, packages = null }: RemoteOptions = {},
): Promise<RemoteHost> {
  const { authority, control, worker: own } = await certificates();
  const problems: string[] = [];
  const listener = await WorkerListener.listen(
    {
      worker,
      workerId: "w1",
      identity: own,
      authority: authority.certificate,
      news,
      contents,
      onProblem: (what, error) => void problems.push(`${what}: ${String(error)}`),
    },
    "127.0.0.1",
    0,
  );
  const address = { workerId: "w1", host: "127.0.0.1", port: listener.port };
  const client = new RemoteWorker(
    { ...address, identity: control, authority: authority.certificate },
    { clock: systemClock, taker, packages },
  );
  const end = async (): Promise<void> => {
    client.hangUp();
    await listener.close();
  };
  return { worker: client, listener, problems, end };
}
