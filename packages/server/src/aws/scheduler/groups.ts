/** CreateScheduleGroup and its family, and the tags of groups. */
import type * as types from "@thaw/aws-api/scheduler";
import { isSameScope } from "../../model/function-name.ts";
import { DEFAULT_GROUP, groupArn, type ScheduleGroupRecord } from "../../model/schedule/record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { Write } from "../../ports/metadata-store.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { pageOf } from "./pages.ts";
import { invalid, type StoredSchedules } from "./stored-schedules.ts";

type Tags = Readonly<Record<string, string>>;

/** AWS's quotas. */
const GROUPS_MAX = 500;
const TAGS_MAX = 200;
const GROUP_ARN = /^arn:aws[\w-]*:scheduler:([\w-]+):(\d{12}):schedule-group\/([0-9a-zA-Z-_.]{1,64})$/;

export function groupOperations(stored: StoredSchedules): ServiceOperations<types.OperationTypes> {
  return {
    CreateScheduleGroup: (input) => create(stored, input),
    async DeleteScheduleGroup({ Name }) {
      if (Name === DEFAULT_GROUP) throw invalid("The default schedule group can't be deleted.");
      await stored.commit(async () => {
        const record = await stored.findGroup(Name);
        const own = (await stored.list()).filter(({ group }) => group === Name);
        const writes: Write[] = record === null ? [] : [{ op: "remove", kind: "scheduleGroup", record }];
        for (const schedule of own) writes.push(...(await stored.removalOf(schedule)));
        return { writes, ids: own.map(({ id }) => id), result: undefined };
      });
      return {};
    },
    async GetScheduleGroup({ Name }) {
      return present(stored, (await stored.findGroup(Name)) ?? defaultGroup());
    },
    async ListScheduleGroups({ NamePrefix = "", ...wish }) {
      const own = await stored.parts.store.listAccountEntries("scheduleGroup");
      const all: readonly ScheduleGroupRecord[] = [defaultGroup(), ...own];
      const named = all.filter(({ id }) => id.startsWith(NamePrefix));
      const { items, rest } = pageOf(named, ({ id }) => id, wish);
      return { ScheduleGroups: items.map((group) => present(stored, group)), ...rest };
    },
    async TagResource({ ResourceArn, Tags: given }) {
      await changeTags(stored, ResourceArn, (tags) => addTags(tags, given));
      return {};
    },
    async UntagResource({ ResourceArn, TagKeys }) {
      await changeTags(stored, ResourceArn, (tags) =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !TagKeys.includes(key))),
      );
      return {};
    },
    async ListTagsForResource({ ResourceArn }) {
      const { tags } = (await stored.findGroup(nameOf(stored, ResourceArn))) ?? defaultGroup();
      return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

async function create(
  stored: StoredSchedules,
  { Name: id, Tags: given = [], ClientToken }: types.CreateScheduleGroupInput,
): Promise<types.CreateScheduleGroupOutput> {
  const { store, scope, clock } = stored.parts;
  const tags = addTags({}, given);
  const clientToken = ClientToken ?? null;
  return stored.commit(async () => {
    const known = await store.getAccountEntry("scheduleGroup", id);
    const result = { ScheduleGroupArn: groupArn(scope, id) };
    if (id === DEFAULT_GROUP || known !== null) {
      // The same request came before, and its answer was lost.
      if (known !== null && known.clientToken !== null && known.clientToken === clientToken)
        return { writes: [], ids: [], result };
      throw new ServiceError("ConflictException", `Schedule group ${id} already exists.`);
    }
    if ((await store.listAccountEntries("scheduleGroup")).length >= GROUPS_MAX)
      throw new ServiceError("ServiceQuotaExceededException", `There are at most ${GROUPS_MAX} schedule groups.`);
    const nowMs = clock.nowMs();
    const record = { id, tags, createdAtMs: nowMs, lastModifiedMs: nowMs, clientToken };
    return { writes: [{ op: "put", kind: "scheduleGroup", record, over: null }], ids: [], result };
  });
}

async function changeTags(stored: StoredSchedules, arn: string, edit: (tags: Tags) => Tags): Promise<void> {
  const name = nameOf(stored, arn);
  if (name === DEFAULT_GROUP) throw invalid("The default schedule group has no tags.");
  await stored.commit(async () => {
    const over = await stored.findGroup(name);
    if (over === null) return { writes: [], ids: [], result: undefined };
    const { revision: _, ...before } = over;
    const record = { ...before, tags: edit(before.tags), lastModifiedMs: stored.parts.clock.nowMs() };
    return { writes: [{ op: "put", kind: "scheduleGroup", record, over }], ids: [], result: undefined };
  });
}

function addTags(before: Tags, added: readonly types.Tag[]): Tags {
  const tags = Object.fromEntries([...Object.entries(before), ...added.map(({ Key, Value }) => [Key, Value])]);
  if (Object.keys(tags).length > TAGS_MAX) throw invalid(`There are at most ${TAGS_MAX} tags.`);
  return tags;
}

function nameOf({ parts }: StoredSchedules, arn: string): string {
  const [, region = "", accountId = "", name] = GROUP_ARN.exec(arn) ?? [];
  if (name === undefined) throw invalid(`${arn.slice(0, 200)} is not the ARN of a schedule group.`);
  if (!isSameScope({ accountId, region }, parts.scope))
    throw new ServiceError("ResourceNotFoundException", `Schedule group ${name} does not exist.`);
  return name;
}

function defaultGroup(): ScheduleGroupRecord {
  return { id: DEFAULT_GROUP, tags: {}, createdAtMs: 0, lastModifiedMs: 0, clientToken: null };
}

function present({ parts }: StoredSchedules, group: ScheduleGroupRecord): types.GetScheduleGroupOutput {
  return {
    Arn: groupArn(parts.scope, group.id),
    Name: group.id,
    State: "ACTIVE",
    CreationDate: new Date(group.createdAtMs),
    LastModificationDate: new Date(group.lastModifiedMs),
  };
}
