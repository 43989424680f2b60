/** Carries out the calls of a control plane on a worker of this process. */
import { strict as assert } from "node:assert";
import { BodyTooLargeError } from "../base/body.ts";
import type { SnapshotId } from "../base/ids.ts";
import { ThawError } from "../model/platform-errors.ts";
import type { WorkerContents } from "../ports/worker-contents.ts";
import type {
  InvokeOutcome,
  InvokeSuccess,
  ProvisionedTarget,
  RunnableVersion,
  StreamCompletion,
  Worker,
} from "../ports/worker.ts";
import { dataFrames, FRAME, FrameError, jsonFrame } from "./frames.ts";
import { type IncomingCall, valueFrame } from "./incoming-call.ts";
import {
  type CallName,
  PLAIN_CALLS,
  type SentEnd,
  type SentFailure,
  type SentInvoke,
  type SentOutcome,
  toBase64,
} from "./protocol.ts";
import type { WorkerNews } from "./worker-news.ts";

type Serve = (served: Served, call: IncomingCall) => Promise<void>;

/** What a worker says of itself before anything is asked of it. */
export interface Hello {
  readonly workerId: string;
  /** Another one for each start of the worker. */
  readonly incarnation: string;
}

const SERVED: ReadonlyMap<string, Serve> = new Map<CallName, Serve>([
  ["invoke", serveInvoke],
  ["createSnapshot", serveCreateSnapshot],
  ["content", serveContent],
  ["inspectSnapshot", serveInspectSnapshot],
  ["uidsInUse", async ({ worker }, call) => call.end(valueFrame([...(await worker.uidsInUse())]))],
  ["contentInUse", async ({ worker }, call) => call.end(valueFrame([...(await worker.contentInUse())]))],
  ...PLAIN_CALLS.map((name): [CallName, Serve] => [
    name,
    async (served, call) => {
      const { worker } = served;
      const parameters = await call.head;
      if (!Array.isArray(parameters)) throw new FrameError("a call without parameters");
      if (name === "provision")
        await prepare(
          served,
          (parameters[0] as readonly ProvisionedTarget[]).map(({ version }) => version),
        );
      const plain = worker[name].bind(worker) as (...of: readonly unknown[]) => Promise<unknown>;
      call.end(valueFrame(await plain(...parameters)));
    },
  ]),
]);

/** What calls are carried out on. */
export interface Served {
  readonly worker: Worker;
  readonly hello: Hello;
  /** Null: nobody is to ask for any. */
  readonly news: WorkerNews | null;
  /** Null: the worker has the directories of its control plane. */
  readonly contents: WorkerContents | null;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Never rejects; null: there is no such call. */
export function serveCall(name: string, served: Served, call: IncomingCall): Promise<void> | null {
  const { hello, news, onProblem } = served;
  if (name === "hello") {
    call.end(valueFrame(hello));
    return Promise.resolve();
  }
  const serve = name === "news" && news !== null ? serveNews(hello, news) : SERVED.get(name);
  if (serve === undefined) return null;
  return serve(served, call).catch((error: unknown) => {
    if (!(error instanceof ThawError)) onProblem(`a control plane's call ${name}`, error);
    call.end(jsonFrame(FRAME.failure, toSentFailure(error)));
  });
}

/** What was taken of another start of the worker says nothing of this one's. */
function serveNews({ incarnation }: Hello, news: WorkerNews): Serve {
  return async (_served, call) => {
    const [of, after] = (await call.head) as [string, number];
    const taken = await news.take(of === incarnation ? after : 0, call.isOver);
    call.end(valueFrame({ incarnation, ...taken }));
  };
}

function toSentFailure(error: unknown): SentFailure {
  if (error instanceof ContentMissing) return { code: error.code, message: error.publicMessage, missing: error.names };
  if (error instanceof ThawError) return { code: error.code, message: error.publicMessage };
  return { code: null, message: error instanceof Error ? error.message : String(error) };
}

class ContentMissing extends ThawError<"WORKER_CONTENT_MISSING"> {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    super("WORKER_CONTENT_MISSING", { publicMessage: `The worker lacks the packages ${names.join(", ")}.` });
    this.names = names;
  }
}

/** Throws ContentMissing where packages must be brought before the versions can be run. */
async function prepare({ contents }: Served, versions: readonly RunnableVersion[]): Promise<void> {
  if (contents === null) return;
  const missing = new Set<string>();
  for (const version of versions) for (const name of await contents.prepare(version)) missing.add(name);
  if (missing.size > 0) throw new ContentMissing([...missing]);
}

async function serveContent({ contents }: Served, call: IncomingCall): Promise<void> {
  const [name] = (await call.head) as [string];
  await contents?.bring(name, await call.payload);
  call.end(valueFrame(null));
}

async function serveInvoke(served: Served, call: IncomingCall): Promise<void> {
  const payload = await call.payload;
  const { version, input } = (await call.head) as SentInvoke;
  await prepare(served, [version]);
  const outcome = await served.worker.invoke(version, { ...input, payload });
  const head = valueFrame(toSentOutcome(outcome));
  if (outcome.kind !== "response") return call.end(head);
  if (outcome.stream !== null) return serveStream(call, head, outcome, outcome.stream.completion);
  const bytes = await outcome.payload.collect(Number.POSITIVE_INFINITY);
  call.end(head, ...dataFrames(bytes), endFrame({ kind: "whole" }));
}

async function serveStream(
  call: IncomingCall,
  head: Buffer,
  { payload }: InvokeSuccess,
  completion: Promise<StreamCompletion>,
): Promise<void> {
  await call.send(head);
  let end: SentEnd = { kind: "whole" };
  try {
    // A caller that is gone ends the reading, not the function.
    for await (const piece of payload) if (!(await call.sendData(piece))) break;
  } catch (error) {
    end =
      error instanceof BodyTooLargeError ? { kind: "too-large", sizeBytesMax: error.sizeBytesMax } : { kind: "cut" };
  }
  await call.send(endFrame(end));
  const { error, logTail } = await completion;
  call.end(jsonFrame(FRAME.completion, { error, logTail: toBase64(logTail) }));
}

function endFrame(end: SentEnd): Buffer {
  return jsonFrame(FRAME.dataEnd, end);
}

function toSentOutcome(outcome: InvokeOutcome): SentOutcome {
  if (outcome.kind !== "response") return outcome;
  const { kind, functionError, logTail, stream, environmentId } = outcome;
  return {
    kind,
    functionError,
    logTail: toBase64(logTail),
    stream: stream === null ? null : { contentType: stream.contentType },
    environmentId,
  };
}

async function serveCreateSnapshot(served: Served, call: IncomingCall): Promise<void> {
  const [version, snapshotId] = (await call.head) as [RunnableVersion, SnapshotId];
  await prepare(served, [version]);
  call.end(valueFrame(await served.worker.createSnapshot(version, snapshotId, call.isOver)));
}

async function serveInspectSnapshot({ worker }: Served, call: IncomingCall): Promise<void> {
  const [version, needles] = (await call.head) as [RunnableVersion, readonly string[]];
  assert(Array.isArray(needles), "needles are a list");
  const bytes = needles.map((each) => Buffer.from(each, "base64"));
  call.end(valueFrame(await worker.inspectSnapshot(version, bytes)));
}
