/**
 * Runs in the page, bundled with the console's own modules: asks the server as the views do, and gives what the
 * console's readers made of each answer.
 */
import { followAllLogs } from "@thaw/console/api/all-logs";
import { change, follow, get, post } from "@thaw/console/api/client";
import { detailsOf, invoke } from "@thaw/console/api/invoke";
import * as lambda from "@thaw/console/api/lambda";
import { followLog } from "@thaw/console/api/log-source";
import * as stacks from "@thaw/console/api/stacks";

export interface Wanted {
  readonly name: string;
  readonly stack: string;
  readonly changes: string;
}

/** What the readers made of the answers, by reader; what the Thaw API answered, by path; what was refused. */
export interface Read {
  readonly lambda: Readonly<Record<keyof typeof lambda, unknown>>;
  readonly stacks: Readonly<Record<keyof typeof stacks, unknown>>;
  readonly invoke: Readonly<Record<"invoke" | "detailsOf" | "failed", unknown>>;
  readonly logs: Readonly<Record<"followLog" | "followAllLogs", readonly string[]>>;
  readonly thaw: ReadonlyArray<readonly [method: string, path: string, answer: unknown]>;
  readonly refusals: readonly string[];
  /** Readers that the modules have, so that one without a test is noticed. */
  readonly readers: readonly string[];
}

const forever = new AbortController().signal;
const REPORT = "REPORT RequestId: ";

async function readAll({ name, stack, changes }: Wanted): Promise<Read> {
  const answered = await invoke(name, "1", "RequestResponse", '{"asked": true}');
  const details = await detailsOf(answered.requestId);
  const failed = await invoke(name, "1", "RequestResponse", '{"fail": true}');
  return {
    invoke: { invoke: answered, detailsOf: details, failed },
    lambda: await readLambda(name),
    stacks: await readStacks(stack, changes),
    logs: {
      followLog: await untilReport(answered.requestId, (signal, take) => followLog(name, 0, signal, take)),
      followAllLogs: await untilReport(answered.requestId, (signal, take) =>
        followAllLogs({ sinceMs: 0, text: "", requestId: "" }, signal, take),
      ),
    },
    thaw: await readThaw(name, answered.requestId),
    refusals: await Promise.all([
      sentenceOf(lambda.getConfiguration("nowhere")),
      sentenceOf(lambda.deleteVersion(name, "1")),
      sentenceOf(stacks.describeStacks("nowhere", forever)),
      sentenceOf(invoke("nowhere", "$LATEST", "RequestResponse", "{}")),
      sentenceOf(get("prime-events/{function}", { parameters: { function: "nowhere" } })),
    ]),
    readers: [...Object.keys(lambda), ...Object.keys(stacks)],
  };
}

async function readLambda(name: string): Promise<Read["lambda"]> {
  return {
    listVersions: await lambda.listVersions(name),
    listAliases: await lambda.listAliases(name),
    getConfiguration: await lambda.getConfiguration(name),
    getReserved: await lambda.getReserved(name, forever),
    publishVersion: await lambda.publishVersion(name),
    pointAlias: await lambda.pointAlias(name, "live", "1"),
    // Refused: an alias leads there.
    deleteVersion: null,
  };
}

async function readStacks(stack: string, changes: string): Promise<Read["stacks"]> {
  return {
    describeStacks: await stacks.describeStacks(stack, forever),
    listResources: await stacks.listResources(stack, forever),
    describeEvents: await stacks.describeEvents(stack, forever),
    listChangeSets: await stacks.listChangeSets(stack, forever),
    listDifferences: await stacks.listDifferences(stack, changes, true, forever),
  };
}

/** The messages up to the REPORT of a request. */
async function untilReport(
  requestId: string,
  read: (signal: AbortSignal, take: (event: { readonly message: string }) => void) => Promise<string | null>,
): Promise<readonly string[]> {
  const stop = new AbortController();
  const messages: string[] = [];
  await read(stop.signal, ({ message }) => {
    messages.push(message);
    if (message.startsWith(REPORT + requestId)) stop.abort();
  });
  return messages;
}

async function readThaw(name: string, requestId: string): Promise<Read["thaw"]> {
  const parameters = { function: name };
  const event = { ...parameters, name: "recorded" };
  const found: Array<readonly [string, string, unknown]> = [];
  const take = (method: string, path: string, answer: unknown): void => void found.push([method, path, answer]);
  const { snapshots } = await get("snapshots", { query: { function: name } });
  const snapshot = snapshots[0]?.snapshotId ?? "";
  take("GET", "snapshots", { snapshots });
  take("GET", "snapshots/{snapshot}/verify", await get("snapshots/{snapshot}/verify", { parameters: { snapshot } }));
  take("GET", "overview", await get("overview"));
  take("GET", "host", await get("host"));
  take("GET", "environments", await get("environments"));
  take("GET", "provisioned", await get("provisioned"));
  take("GET", "series", await get("series", { query: { function: name } }));
  take("GET", "console/session", await get("console/session"));
  take("GET", "invocations", await get("invocations"));
  take("GET", "invocations/{requestId}", await get("invocations/{requestId}", { parameters: { requestId } }));
  take("GET", "log-events", await get("log-events"));
  take("GET", "prime-events/{function}", await get("prime-events/{function}", { parameters }));
  const put = await change("PUT", "test-events/{function}/{name}", event, { event: '{"kept": true}' });
  take("PUT", "test-events/{function}/{name}", put);
  take("GET", "test-events/{function}", await get("test-events/{function}", { parameters }));
  take("GET", "test-events/{function}/{name}", await get("test-events/{function}/{name}", { parameters: event }));
  const deleted = await change("POST", "test-events/{function}/{name}/delete", event, undefined as never);
  take("POST", "test-events/{function}/{name}/delete", deleted);
  take("GET", "logs/{function}", await firstOf("logs/{function}", { parameters, query: { since: 0, follow: true } }));
  take("POST", "check", await post("check", { function: `${name}:1`, clones: 2, event: "{}" }));
  take("POST", "environments/stop", await post("environments/stop", { function: name }));
  return found;
}

async function firstOf(path: "logs/{function}", given: object): Promise<unknown> {
  const stop = new AbortController();
  for await (const line of await follow(path, given, stop.signal)) {
    stop.abort();
    return line;
  }
  return null;
}

async function sentenceOf(refused: Promise<unknown>): Promise<string> {
  try {
    await refused;
    return "it was not refused";
  } catch (error) {
    return (error as Error).message;
  }
}

Object.assign(globalThis, { readAll });
