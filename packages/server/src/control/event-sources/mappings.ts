/**
 * Event source mappings, kept and shown as on AWS; `pollers.ts` reads what they name. One that nothing reads (a kind
 * without a poller, a service without an endpoint) is `Disabled` once it is made, and says why in its
 * `StateTransitionReason`. Texts: environment-behaviour.md 8.1 (recorded …TestLambdaEventSourceMappings).
 */
import { ApiError, conflict, notFound } from "../../model/api-error.ts";
import { type AccountScope, functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type EventSourceRecord, isChanging, isGone } from "../../model/event-source-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import { ACCOUNT } from "../records/changes.ts";
import { pageOf } from "../records/pages.ts";
import { checkTags } from "../records/tag-check.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";
import type { Pollers } from "./pollers.ts";
import { checkMembers, checkSource, configOf, findTarget } from "./requests.ts";
import { checkFailureDestination, checkReadable } from "./source-check.ts";
import { kindOf, type SourceKind } from "./source-kinds.ts";

type Needs = Pick<
  ControlParts,
  "scope" | "store" | "changes" | "clock" | "random" | "limits" | "eventSources" | "readsOtherAccounts" | "destinations"
>;
type Mapping = Out<"GetEventSourceMapping">;

type EventSourceOperations = OperationsOf<
  | "CreateEventSourceMapping"
  | "GetEventSourceMapping"
  | "ListEventSourceMappings"
  | "UpdateEventSourceMapping"
  | "DeleteEventSourceMapping"
>;

export function eventSourceOperations(services: Needs, pollers: Pollers): EventSourceOperations {
  const mappings = new Mappings(services, pollers);
  return {
    CreateEventSourceMapping: (input) => mappings.create(input),
    GetEventSourceMapping: async ({ UUID }) => mappings.present(await mappings.find(UUID)),
    ListEventSourceMappings: (input) => mappings.list(input),
    UpdateEventSourceMapping: (input) => mappings.update(input),
    DeleteEventSourceMapping: (input) => mappings.remove(input),
  };
}

class Mappings {
  readonly #services: Needs;
  readonly #pollers: Pollers;

  constructor(services: Needs, pollers: Pollers) {
    this.#services = services;
    this.#pollers = pollers;
  }

  async create(input: In<"CreateEventSourceMapping">): Promise<Mapping> {
    const { changes, random } = this.#services;
    const kind = checkSource(input);
    checkMembers(kind, input);
    const id = random.uuid();
    const isEnabled = input.Enabled ?? true;
    const { timeoutS } = await findTarget(this.#services, input.FunctionName);
    await checkReadable(this.#services, input.EventSourceArn, timeoutS);
    await checkFailureDestination(this.#services, input);
    const { record } = await changes.decide(ACCOUNT, async () => {
      const { functionName, qualifier } = await findTarget(this.#services, input.FunctionName);
      const made: EventSourceRecord = {
        id,
        functionName,
        qualifier,
        isEnabled,
        config: configOf(kind, input, id),
        startingPositionMs: input.StartingPositionTimestamp?.getTime() ?? null,
        tags: checkTags({}, input.Tags ?? {}),
        lastModifiedMs: this.#now,
        // A queue's is disabled at once (recorded).
        change: kind.name === "SQS" && !isEnabled ? null : "Creating",
      };
      const all = await this.#services.store.listAccountEntries("eventSource");
      this.#checkFree(kind, made, all);
      const writes: readonly Write[] = [
        ...this.#sweep(all),
        { op: "put", kind: "eventSource", record: made, over: null },
      ];
      return { writes, result: { record: made } };
    });
    return this.present(record, record.change !== null);
  }

  async update(input: In<"UpdateEventSourceMapping">): Promise<Mapping> {
    await checkFailureDestination(this.#services, input);
    const record = await this.#services.changes.decide(ACCOUNT, async () => {
      const over = await this.find(input.UUID);
      this.#checkStill(over, "update");
      const kind = kindOfRecord(over);
      checkMembers(kind, input, over.config);
      const { functionName, qualifier } =
        input.FunctionName === undefined ? over : await findTarget(this.#services, input.FunctionName);
      const isEnabled = input.Enabled ?? over.isEnabled;
      const made: EventSourceRecord = {
        ...over,
        functionName,
        qualifier,
        isEnabled,
        config: configOf(kind, input, over.id, over.config),
        lastModifiedMs: this.#now,
        change: isEnabled === over.isEnabled ? "Updating" : isEnabled ? "Enabling" : "Disabling",
      };
      this.#checkFree(kind, made, await this.#services.store.listAccountEntries("eventSource"));
      return { writes: [{ op: "put", kind: "eventSource", record: made, over }], result: made };
    });
    return this.present(record, true);
  }

  async remove(input: In<"DeleteEventSourceMapping">): Promise<Mapping> {
    const { changes, store } = this.#services;
    const record = await changes.decide(ACCOUNT, async () => {
      const over = await this.find(input.UUID);
      this.#checkStill(over, "delete");
      const made: EventSourceRecord = { ...over, lastModifiedMs: this.#now, change: "Deleting" };
      const writes: readonly Write[] = [
        ...this.#sweep(await store.listAccountEntries("eventSource")),
        { op: "put", kind: "eventSource", record: made, over },
      ];
      return { writes, result: made };
    });
    return this.present(record, true);
  }

  async list(input: In<"ListEventSourceMappings">): Promise<Out<"ListEventSourceMappings">> {
    const { scope, store } = this.#services;
    const wanted = input.FunctionName === undefined ? null : parseFunctionName(scope, input.FunctionName);
    const all = (await store.listAccountEntries("eventSource")).filter(
      (record) =>
        !this.#isGone(record) &&
        (input.EventSourceArn === undefined || record.config.EventSourceArn === input.EventSourceArn) &&
        (wanted === null || wanted.name === record.functionName) &&
        (wanted === null || wanted.qualifier === null || wanted.qualifier === record.qualifier),
    );
    const page = pageOf({ list: "event source mappings", all, placeOf: ({ id }) => [id] }, input);
    return {
      EventSourceMappings: page.items.map((record) => this.present(record)),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  async find(id: string): Promise<Stored<EventSourceRecord>> {
    const record = await this.#services.store.getAccountEntry("eventSource", id);
    if (record === null || this.#isGone(record)) throw notFound("The resource you requested does not exist.");
    return record;
  }

  /** `isAnswer`: the answer of the change itself, which shows its state however short it is. */
  present(record: EventSourceRecord, isAnswer = false): Mapping {
    const { scope } = this.#services;
    const { reason } = kindOfRecord(record);
    const isSeen = isAnswer || this.#isChanging(record);
    const problem = record.isEnabled ? this.#pollers.problemOf(record) : null;
    const settled = record.isEnabled && problem === null ? "Enabled" : "Disabled";
    const state = isSeen && record.change !== null ? record.change : settled;
    return {
      UUID: record.id,
      EventSourceMappingArn: mappingArn(scope, record.id),
      FunctionArn: functionArn(scope, record.functionName, record.qualifier),
      ...record.config,
      ...this.#resultOf(record),
      ...(record.startingPositionMs === null ? {} : { StartingPositionTimestamp: new Date(record.startingPositionMs) }),
      LastModified: new Date(record.lastModifiedMs),
      State: state,
      StateTransitionReason: state === "Disabled" && problem !== null ? problem : reason,
    };
  }

  /** A queue's mapping has one only where there was a problem. */
  #resultOf(record: EventSourceRecord): Pick<Mapping, "LastProcessingResult"> {
    const result = this.#pollers.resultOf(record.id);
    if (result === null || (kindOfRecord(record).name === "SQS" && !result.startsWith("PROBLEM"))) return {};
    return { LastProcessingResult: result };
  }

  get #now(): number {
    return this.#services.clock.nowMs();
  }

  #isChanging(record: EventSourceRecord): boolean {
    const { stateChangeMs } = this.#services.limits;
    return isChanging(record, this.#now, stateChangeMs) || this.#pollers.isSettling(record);
  }

  #isGone(record: EventSourceRecord): boolean {
    return isGone(record, this.#now, this.#services.limits.stateChangeMs) && !this.#pollers.isSettling(record);
  }

  #checkStill(record: EventSourceRecord, what: "update" | "delete"): void {
    if (!this.#isChanging(record)) return;
    throw new ApiError("ResourceInUseException", `Cannot ${what} the event source mapping because it is in use.`);
  }

  /** Those that were deleted, and are not to be seen any more. */
  #sweep(all: ReadonlyArray<Stored<EventSourceRecord>>): readonly Write[] {
    return all
      .filter((record) => this.#isGone(record))
      .map((record) => ({ op: "remove", kind: "eventSource", record }) as const);
  }

  /** Throws a ResourceConflictException where another mapping reads the same for the same function. */
  #checkFree(kind: SourceKind, made: EventSourceRecord, all: ReadonlyArray<Stored<EventSourceRecord>>): void {
    const other = all.find(
      (each) =>
        each.id !== made.id &&
        !this.#isGone(each) &&
        each.functionName === made.functionName &&
        each.qualifier === made.qualifier &&
        readsSame(each, made),
    );
    if (other === undefined) return;
    const { EventSourceArn: arn, Topics: topics = [], SelfManagedEventSource: addresses } = made.config;
    const ending = `Please update or delete the existing mapping with UUID ${other.id}`;
    if (kind.name === "Kafka") {
      const source = arn ?? serversOf(addresses).join(",");
      const owner = functionArn(this.#services.scope, made.functionName, made.qualifier);
      throw conflict(
        `An event source mapping with event source ("${source}"), function ("${owner}"), topics ("${topics.join(",")}") already exists. ${ending}`,
      );
    }
    // As they are recorded, with their blanks.
    throw conflict(
      kind.name === "SQS"
        ? `An event source mapping with SQS arn (" ${arn} ") and function (" ${made.functionName} ") already exists. ${ending}`
        : `The event source arn (" ${arn} ") and function (" ${made.functionName} ") provided mapping already exists. ${ending}`,
    );
  }
}

function readsSame({ config: one }: EventSourceRecord, { config: other }: EventSourceRecord): boolean {
  const isSameSource =
    one.EventSourceArn === undefined
      ? serversOf(one.SelfManagedEventSource).some((server) => serversOf(other.SelfManagedEventSource).includes(server))
      : one.EventSourceArn === other.EventSourceArn;
  if (!isSameSource) return false;
  const [topics, others] = [one.Topics ?? one.Queues ?? [], other.Topics ?? other.Queues ?? []];
  return topics.length === 0 || topics.some((topic) => others.includes(topic));
}

function serversOf(source: Mapping["SelfManagedEventSource"]): readonly string[] {
  return source?.Endpoints?.["KAFKA_BOOTSTRAP_SERVERS"] ?? [];
}

function kindOfRecord({ config }: EventSourceRecord): SourceKind {
  const kind = kindOf(config.EventSourceArn, config.SelfManagedEventSource !== undefined);
  if (kind === null) throw new Error(`a mapping is kept of what is no event source: ${config.EventSourceArn}`);
  return kind;
}

function mappingArn({ region, accountId }: AccountScope, id: string): string {
  return `arn:aws:lambda:${region}:${accountId}:event-source-mapping:${id}`;
}
