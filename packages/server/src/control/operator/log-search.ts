/** Log events of several functions at once: searched page by page from the newest on, and followed. */
import type { Skipped } from "../../base/skipping-queue.ts";
import { ApiError, invalidParameter, notFound } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { LATEST } from "../../model/function-record.ts";
import { defaultLogGroup, logGroupArn, logGroupName } from "../../model/log-group.ts";
import type { LogEventQuery, LogPosition } from "../../ports/log-groups.ts";
import type { LogEvent, WrittenLogEvent } from "../../ports/log-store.ts";
import type { ControlServices } from "../services.ts";
import { type RequestSpan, RequestFilter, spanOfRequest } from "./request-lines.ts";

/** What is wanted; all members that are not null apply. */
export interface LogSearchWish {
  /** Names of functions, maybe with qualifiers; null: all of the account. */
  readonly functions: readonly string[] | null;
  readonly requestId: string | null;
  /** A text that is in the message. */
  readonly text: string | null;
}

export interface LogPageWish extends LogSearchWish {
  /** Milliseconds since the epoch of the first event. */
  readonly sinceMs: number;
  /** Marker of a page; null: the newest one. */
  readonly before: string | null;
  readonly countMax: number;
}

export interface PlacedLogEvent extends LogEvent {
  readonly sequence: number;
  readonly functionName: string;
}

export interface PlacedLogPage {
  /** In the order of time. */
  readonly events: readonly PlacedLogEvent[];
  readonly before?: string;
}

/** A log group that is looked into. */
interface Target {
  readonly groupArn: string;
  readonly functionName: string;
  /** Versions whose streams are wanted; null: all. */
  readonly versions: readonly string[] | null;
}

type Needs = Pick<ControlServices, "scope" | "store" | "logs" | "history">;

const NAMES_MAX = 50;
const TEXT_LENGTH_MAX = 256;
/** Messages of a page together. */
const PAGE_BYTES_MAX = 1024 * 1024;
const MARKER = /^(\d{1,15})-(\d{1,15})$/;

export class LogSearch {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Reads a page, group by group. What was not looked at in one of them ends the page for all: a page has no gaps.
   * Throws ResourceNotFoundException for an unknown function.
   */
  async search(wish: LogPageWish): Promise<PlacedLogPage> {
    const { logs, history } = this.#services;
    checkText(wish.text);
    const targets = (await this.#targets(wish.functions)) ?? (await this.#allTargets());
    const run = wish.requestId === null ? undefined : history.find(wish.requestId).at(-1);
    const span =
      run === undefined
        ? null
        : await spanOfRequest(
            logs,
            run,
            targets.map(({ groupArn }) => groupArn),
          );
    const pattern = patternOf([span === null ? wish.requestId : null, wish.text]);
    const page = new MergedPage(wish.countMax, PAGE_BYTES_MAX);
    for (const target of targets) {
      if (span !== null && target.groupArn !== span.groupArn) continue;
      const read = await logs.readEvents({
        ...spanQuery(span, wish, page.floor),
        groupArn: target.groupArn,
        direction: "backward",
        countMax: wish.countMax,
        filterPattern: pattern,
      });
      // There is no group, or no such stream, where nothing was written.
      if (typeof read === "string") continue;
      const isWanted = (event: LogEvent & LogPosition): boolean =>
        isOfVersions(event.logStream, target.versions) && (span === null || span.has(event));
      page.add(
        read.events.filter(isWanted).map((event) => placed(event, target.functionName)),
        read.next,
      );
    }
    return page.finish();
  }

  /**
   * Goes on until the signal, from now on, with what comes together. Throws ResourceNotFoundException for an unknown
   * function.
   */
  async follow(
    wish: LogSearchWish,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ReadonlyArray<PlacedLogEvent | Skipped>>> {
    const { logs } = this.#services;
    checkText(wish.text);
    const named = await this.#targets(wish.functions);
    const targets = new Map((named ?? (await this.#allTargets())).map((target) => [target.groupArn, target]));
    const followed = logs.followWritten(this.#wanted(wish, targets, named === null), signal);
    if (followed === null)
      throw new ApiError("TooManyRequestsException", "Too many clients follow logs. End one of them.");
    const toTold = (event: WrittenLogEvent | Skipped): PlacedLogEvent | Skipped =>
      "skipped" in event
        ? event
        : placed(event, targets.get(event.groupArn)?.functionName ?? nameOfGroup(event.groupArn));
    return (async function* () {
      for await (const events of followed) yield events.map(toTold);
    })();
  }

  /** `isAll`: groups that are not among the targets are wanted, too, where they are the account's. */
  #wanted(
    { requestId, text }: LogSearchWish,
    targets: ReadonlyMap<string, Target>,
    isAll: boolean,
  ): (event: WrittenLogEvent) => boolean {
    const prefix = logGroupArn(this.#services.scope, "");
    const lines = requestId === null ? null : new RequestFilter(requestId);
    return (event) => {
      const target = targets.get(event.groupArn);
      if (isAll ? !event.groupArn.startsWith(prefix) : target === undefined) return false;
      if (!isOfVersions(event.logStream, target?.versions ?? null)) return false;
      // Each line of a stream is looked at: the first and the last one tell what is between.
      if (lines !== null && !lines.takes(event)) return false;
      return text === null || event.message.includes(text);
    };
  }

  /** Null: no function is named. */
  async #targets(names: readonly string[] | null): Promise<readonly Target[] | null> {
    if (names === null) return null;
    if (names.length > NAMES_MAX)
      throw invalidParameter(`Name at most ${NAMES_MAX} functions, or none for all of the account.`);
    return Promise.all(names.map((name) => this.#targetOf(name)));
  }

  /** What was deleted is found as long as its log group is there. */
  async #targetOf(text: string): Promise<Target> {
    const { scope, store, logs } = this.#services;
    const { name, qualifier } = parseFunctionName(scope, text);
    const latest = await store.getVersion(name, LATEST);
    const groupArn = logGroupArn(scope, latest?.config.logGroup ?? defaultLogGroup(name));
    if (latest === null && !(await logs.has(groupArn)))
      throw notFound(`Function not found: ${functionArn(scope, name, qualifier)}`);
    if (qualifier === null) return { groupArn, functionName: name, versions: null };
    const alias = await store.getAlias(name, qualifier);
    const versions = alias === null ? [qualifier] : [alias.functionVersion, ...Object.keys(alias.weights)];
    return { groupArn, functionName: name, versions };
  }

  /** Each group once: functions may share one, which then has the name of the first. */
  async #allTargets(): Promise<readonly Target[]> {
    const { scope, store } = this.#services;
    const targets = new Map<string, Target>();
    for (const { version, functionName, config } of await store.listAllVersions()) {
      const groupArn = logGroupArn(scope, config.logGroup);
      if (version === LATEST && !targets.has(groupArn))
        targets.set(groupArn, { groupArn, functionName, versions: null });
    }
    return [...targets.values()];
  }
}

type SpanQuery = Pick<LogEventQuery, "streams" | "fromMs" | "untilMs" | "from">;

/** `floor`: nothing below is wanted any more. */
function spanQuery(span: RequestSpan | null, wish: LogPageWish, floor: LogPosition | null): SpanQuery {
  const from = wish.before === null ? null : readMarker(wish.before);
  const fromMs = Math.max(wish.sinceMs, floor?.timestampMs ?? 0);
  if (span === null) return { streams: null, fromMs, untilMs: null, from };
  return {
    streams: { names: [span.logStream] },
    fromMs: Math.max(fromMs, span.fromMs),
    untilMs: span.untilMs,
    from,
  };
}

/** The newest events of several groups. */
class MergedPage {
  readonly #countMax: number;
  readonly #bytesMax: number;
  #events: readonly PlacedLogEvent[] = [];
  /** Below it some group was not looked at, or there was no room; null: everything is in the page. */
  floor: LogPosition | null = null;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  /** `next`: the last position that was looked at; null: all was. */
  add(events: readonly PlacedLogEvent[], next: LogPosition | null): void {
    if (next !== null) this.#raise(next);
    this.#events = [...this.#events, ...events]
      .filter((event) => this.#isAbove(positionOf(event)))
      .toSorted((a, b) => comparePositions(positionOf(a), positionOf(b)));
    let [count, bytes] = [0, 0];
    for (const { message } of this.#events.toReversed()) {
      bytes += message.length;
      if (count === this.#countMax || (count > 0 && bytes > this.#bytesMax)) break;
      count++;
    }
    if (count === this.#events.length) return;
    this.#events = this.#events.slice(-count);
    const [first] = this.#events;
    if (first !== undefined) this.#raise(positionOf(first));
  }

  finish(): PlacedLogPage {
    const events = this.#events;
    return this.floor === null ? { events } : { events, before: writeMarker(this.floor) };
  }

  #isAbove(position: LogPosition): boolean {
    return this.floor === null || comparePositions(position, this.floor) >= 0;
  }

  #raise({ timestampMs, id }: LogPosition): void {
    if (this.#isAbove({ timestampMs, id })) this.floor = { timestampMs, id };
  }
}

function positionOf({ timestampMs, sequence }: PlacedLogEvent): LogPosition {
  return { timestampMs, id: sequence };
}

function comparePositions(a: LogPosition, b: LogPosition): number {
  return a.timestampMs - b.timestampMs || a.id - b.id;
}

function placed(event: LogEvent & { readonly id: number }, functionName: string): PlacedLogEvent {
  const { timestampMs, logStream, message, origin, id } = event;
  return { timestampMs, logStream, message, origin, sequence: id, functionName };
}

function isOfVersions(logStream: string, versions: readonly string[] | null): boolean {
  return versions === null || versions.some((version) => logStream.includes(`/[${version}]`));
}

/** The function of a group that was made after the reader came. */
function nameOfGroup(groupArn: string): string {
  const name = logGroupName(groupArn);
  const prefix = defaultLogGroup("");
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** Makes a filter pattern of texts that must be in a message. Null: none has to. */
function patternOf(texts: ReadonlyArray<string | null>): string | null {
  const terms = texts.flatMap((text) => (text === null ? [] : `"${text.replaceAll(/[\\"]/g, "\\$&")}"`));
  return terms.length === 0 ? null : terms.join(" ");
}

function checkText(text: string | null): void {
  if (text !== null && text.length > TEXT_LENGTH_MAX)
    throw invalidParameter(`The text to look for must have at most ${TEXT_LENGTH_MAX} characters.`);
}

function writeMarker({ timestampMs, id }: LogPosition): string {
  return `${timestampMs}-${Math.max(id, 0)}`;
}

function readMarker(marker: string): LogPosition {
  const [, timestampMs, id] = MARKER.exec(marker) ?? [];
  if (timestampMs === undefined || id === undefined)
    throw invalidParameter("The parameter before is wrong: expected the `before` of a page.");
  return { timestampMs: Number(timestampMs), id: Number(id) };
}
