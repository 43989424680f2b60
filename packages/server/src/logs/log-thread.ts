/**
 * The thread that has the database of logs: whatever is written, searched and removed there holds up no request of the
 * server. Calls are begun in their order; only pages of events are read piece by piece, with other calls in between.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { Slots } from "../base/slots.ts";
import { PAGE_BUDGET, readPage } from "./event-scan.ts";
import { LogDatabase } from "./log-database.ts";
import { openLogDatabase } from "./log-schema.ts";
import { Removal, RemovalLoop } from "./removal.ts";
import type { Answer, Call, ThreadCalls, ThreadSettings } from "./thread-protocol.ts";

/** Number of pages that are read at once: what they hold has to fit the thread's heap. */
const SCANS_MAX = 8;
/** Steps of a removal for each batch of events: it keeps up with what comes. */
const SHRINK_STEPS = 8;

function start(port: MessagePort, { path, limits }: ThreadSettings): void {
  const { db, putAside } = openLogDatabase(path);
  const database = new LogDatabase(db);
  const removal = new Removal(database, limits);
  const now = (): number => systemClock.nowMs();
  const tell = (answer: Answer): void => port.postMessage(answer);
  const loop = new RemovalLoop(removal, systemClock, (error) =>
    tell({ id: 0, result: null, problem: problemOf(error) }),
  );
  const scans = new Slots(SCANS_MAX);
  const thenRemove = <T>(result: T): T => {
    loop.wake();
    return result;
  };

  const calls: { readonly [K in keyof ThreadCalls]: (...values: Parameters<ThreadCalls[K]>) => unknown } = {
    append(runs) {
      const firstId = database.nextEventId;
      database.append(runs, now());
      if (removal.shrink(SHRINK_STEPS)) loop.wake();
      return firstId;
    },
    putEvents(groupArn, logStream, events) {
      const put = events.map(({ timestampMs, message }) => [timestampMs, message, "client"] as const);
      return thenRemove(database.put({ groupArn, logStream, events: put }, now()));
    },
    createGroup: (arn, tags) => database.createGroup(arn, tags, now()),
    findGroup: (arn) => database.findGroup(arn),
    listGroups: (query) => database.listGroups(query),
    removeGroup: (arn) => thenRemove(database.removeGroup(arn)),
    setRetention(arn, days) {
      const result = database.setRetention(arn, days);
      loop.look();
      return result;
    },
    changeTags: (arn, added, removed) => database.changeTags(arn, added, removed),
    createStream: (arn, name) => database.createStream(arn, name, now()),
    removeStream: (arn, name) => thenRemove(database.removeStream(arn, name)),
    listStreams: (query) => database.listStreams(query),
    readEvents: (query) => scans.run(() => readPage(database, query, now(), PAGE_BUDGET)),
    async follow(query, asked) {
      const idsBelow = asked ?? database.nextEventId;
      const page = await scans.run(() => readPage(database, query, now(), PAGE_BUDGET, idsBelow));
      return typeof page === "string" ? page : { ...page, idsBelow };
    },
    close() {
      loop.end();
      db.close();
    },
  };

  port.on("message", ({ id, name, values }: Call) => {
    void answer(id, () => (calls[name] as (...given: readonly unknown[]) => unknown)(...values));
  });
  if (putAside !== null)
    tell({ id: 0, result: null, problem: `the database of logs is damaged; begun anew, the old one is ${putAside}` });
  loop.look();

  async function answer(id: number, call: () => unknown): Promise<void> {
    try {
      // Called at once: what is called later must find it done.
      tell({ id, result: await call(), problem: null });
    } catch (error) {
      tell({ id, result: null, problem: problemOf(error) });
    }
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

if (parentPort === null) throw new Error("log-thread.ts is the program of a thread");
start(parentPort, workerData as ThreadSettings);
