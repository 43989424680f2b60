/** CreateEventBus and its family. */
import type * as types from "@thaw/aws-api/events";
import { busArn } from "../../model/event-bus/names.ts";
import { DEFAULT_BUS, type EventBusRecord } from "../../model/event-bus/record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { policyOf } from "./policy.ts";
import { invalid, type StoredEvents, tooMany } from "./stored-events.ts";
import { addTags } from "./tags.ts";

/** AWS's quota of an account in a Region. */
const BUSES_MAX = 100;

export function busOperations(stored: StoredEvents): ServiceOperations<types.OperationTypes> {
  return {
    CreateEventBus: (input) => create(stored, input),
    async UpdateEventBus(input) {
      checkHonoured("UpdateEventBus", input);
      const { Name: name = DEFAULT_BUS, Description } = input;
      const bus = await stored.changeBus(await stored.busName(name), (before) => ({
        ...before,
        description: Description === undefined ? before.description : Description,
      }));
      return { Arn: busArn(stored.parts.scope, bus.id), Name: bus.id, ...describe(bus) };
    },
    async DeleteEventBus({ Name }) {
      if (Name === DEFAULT_BUS) throw invalid("Cannot delete event bus default.");
      await stored.commit(async () => {
        const record = await stored.parts.store.getAccountEntry("eventBus", Name);
        if (record === null) return [];
        if ((await stored.listRules(Name)).length > 0) throw invalid("EventBus can't be deleted since it has rules.");
        return [{ op: "remove", kind: "eventBus", record }];
      });
      return {};
    },
    async DescribeEventBus({ Name }) {
      return present(stored, await stored.bus(Name));
    },
    async ListEventBuses({ NamePrefix = "", ...wish }) {
      const own = await stored.listBuses();
      const hasDefault = own.some(({ id }) => id === DEFAULT_BUS);
      const all = hasDefault ? own : [await stored.bus(undefined), ...own];
      const named = all.filter(({ id }) => id.startsWith(NamePrefix));
      const { items, rest } = pageOf(named, ({ id }) => id, wish);
      return { EventBuses: items.map((bus) => present(stored, bus)), ...rest };
    },
  };
}

async function create(stored: StoredEvents, input: types.CreateEventBusRequest): Promise<types.CreateEventBusResponse> {
  checkHonoured("CreateEventBus", input);
  const { Name: id, Description = null, Tags = [] } = input;
  if (id.includes("/")) throw invalid("Event bus name must not contain '/'.");
  const { store, scope, clock } = stored.parts;
  if (id === DEFAULT_BUS || (await store.getAccountEntry("eventBus", id)) !== null) throw exists(id);
  if ((await stored.listBuses()).length >= BUSES_MAX) throw tooMany();
  const nowMs = clock.nowMs();
  const times = { createdAtMs: nowMs, lastModifiedMs: nowMs };
  const record = { id, description: Description, statements: [], tags: addTags({}, Tags), ...times };
  if ((await store.commit([{ op: "put", kind: "eventBus", record, over: null }])) === "changed") throw exists(id);
  return { EventBusArn: busArn(scope, id), ...describe(record) };
}

function exists(name: string): ServiceError {
  return new ServiceError("ResourceAlreadyExistsException", `Event bus ${name} already exists.`);
}

function present(stored: StoredEvents, bus: EventBusRecord): types.DescribeEventBusResponse {
  const arn = busArn(stored.parts.scope, bus.id);
  return {
    Name: bus.id,
    Arn: arn,
    ...describe(bus),
    ...policyOf(bus),
    ...(bus.createdAtMs === 0 ? {} : { CreationTime: new Date(bus.createdAtMs) }),
    ...(bus.lastModifiedMs === 0 ? {} : { LastModifiedTime: new Date(bus.lastModifiedMs) }),
  };
}

function describe({ description }: EventBusRecord): { readonly Description?: string } {
  return description === null ? {} : { Description: description };
}
