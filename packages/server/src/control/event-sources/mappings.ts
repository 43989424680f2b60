/**
 * Event source mappings, kept and shown as on AWS. Nothing polls an event source yet, so one that is to be enabled is
 * `Disabled` once it is made, and says so in its `StateTransitionReason`; no source is asked whether it is there.
 * Texts: environment-behaviour.md 8.1 (recorded …TestLambdaEventSourceMappings).
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
import { checkMembers, checkSource, configOf, findTarget } from "./requests.ts";
import { kindOf, type SourceKind } from "./source-kinds.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "random" | "limits">;
type Mapping = Out<"GetEventSourceMapping">;

type EventSourceOperations = OperationsOf<
  | "CreateEventSourceMapping"
  | "GetEventSourceMapping"
  | "ListEventSourceMappings"
  | "UpdateEventSourceMapping"
  | "DeleteEventSourceMapping"
>;

const NO_POLLER =
  "Thaw does not poll event sources yet: nothing is read from this one. The mapping is kept as it was given.";

export function eventSourceOperations(services: Needs): EventSourceOperations {
  const mappings = new Mappings(services);
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

  constructor(services: Needs) {
    this.#services = services;
  }

  async create(input: In<"CreateEventSourceMapping">): Promise<Mapping> {
    const { changes, random } = this.#services;
    const kind = checkSource(input);
    checkMembers(kind, input);
    const id = random.uuid();
    const isEnabled = input.Enabled ?? true;
    const { record } = await changes.decide(ACCOUNT, async () => {
      const target = await findTarget(this.#services, input.FunctionName);
      const made: EventSourceRecord = {
        id,
        ...target,
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
    const record = await this.#services.changes.decide(ACCOUNT, async () => {
      const over = await this.find(input.UUID);
      this.#checkStill(over, "update");
      const kind = kindOfRecord(over);
      checkMembers(kind, input, over.config);
      const target = input.FunctionName === undefined ? {} : await findTarget(this.#services, input.FunctionName);
      const isEnabled = input.Enabled ?? over.isEnabled;
      const made: EventSourceRecord = {
        ...over,
        ...target,
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
    const isSeen = isAnswer || isChanging(record, this.#now, this.#services.limits.stateChangeMs);
    const state = isSeen && record.change !== null ? record.change : "Disabled";
    return {
      UUID: record.id,
      EventSourceMappingArn: mappingArn(scope, record.id),
      FunctionArn: functionArn(scope, record.functionName, record.qualifier),
      ...record.config,
      ...(record.startingPositionMs === null ? {} : { StartingPositionTimestamp: new Date(record.startingPositionMs) }),
      LastModified: new Date(record.lastModifiedMs),
      State: state,
      StateTransitionReason: state === "Disabled" && record.isEnabled ? NO_POLLER : reason,
    };
  }

  get #now(): number {
    return this.#services.clock.nowMs();
  }

  #isGone(record: EventSourceRecord): boolean {
    return isGone(record, this.#now, this.#services.limits.stateChangeMs);
  }

  #checkStill(record: EventSourceRecord, what: "update" | "delete"): void {
    if (!isChanging(record, this.#now, this.#services.limits.stateChangeMs)) return;
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
