/**
 * A worker on another host, as a process of its own: a fake engine behind the real port, in a data directory of its
 * own. Reads one line of JSON (RemoteWorkerStart), writes the port that it listens on, runs until it is killed.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { systemClock } from "@thaw/server/testing/base";
import {
  createWorkerContents,
  type KeyedCertificate,
  WorkerListener,
  WorkerNews,
} from "@thaw/server/testing/remote-worker";
import { openCodeDirectory } from "@thaw/server/testing/store";
import { WorkerHarness } from "../worker/harness.ts";

export interface RemoteWorkerStart {
  readonly identity: KeyedCertificate;
  /** The certificate alone. */
  readonly authority: string;
  readonly dataDir: string;
  /** The code whose function answers with the number of its invokes, or never where its event is `wait`. */
  readonly codeName: string;
}

async function main(): Promise<void> {
  const [line] = (await once(createInterface({ input: process.stdin }), "line")) as [string];
  const { identity, authority, dataDir, codeName } = JSON.parse(line) as RemoteWorkerStart;
  const news = new WorkerNews(systemClock);
  let count = 0;
  const handle = (process: { print(text: string): void }, { payload }: { readonly payload: string }) => {
    process.print(`${payload} ${++count}\n`);
    return payload === "wait" ? new Promise<string>(() => undefined) : String(count);
  };
  const harness = new WorkerHarness({}, { functions: { [codeName]: { handle } }, news });
  const code = await openCodeDirectory(dataDir, async () => undefined);
  const listener = await WorkerListener.listen(
    {
      worker: harness.worker,
      workerId: "w1",
      identity,
      authority,
      news,
      contents: createWorkerContents(dataDir, code),
      onProblem: (what, error) => void process.stderr.write(`${what}: ${String(error)}\n`),
    },
    "127.0.0.1",
    0,
  );
  process.stdout.write(`${listener.port}\n`);
}

await main();
