/** What a store must do for stacks. */
import { expect, test } from "vitest";
import type { StackEvent, StackRecord } from "../../model/stack-record.ts";
import type { MetadataStore, Stored } from "../../ports/metadata-store.ts";
import type { StackStore } from "../../ports/stack-store.ts";

export function stacks(opened: () => MetadataStore, another: () => Promise<MetadataStore>): void {
  const store = (): StackStore => opened().stacks;

  test("a stack is found by id and by name, and its name is free once it is deleted", async () => {
    const { id, name } = await add(store(), "one");
    expect(await store().commit([{ op: "putStack", record: stack("other-id", name), over: null }])).toBe("changed");
    const over = await find(store(), id);
    const deleted = { ...over, deletedAtMs: 5, status: "DELETE_COMPLETE" as const };
    expect(await store().commit([{ op: "putStack", record: deleted, over }])).toBe("done");
    expect(await store().findStack(name)).toBeNull();
    expect(await store().getStack(id)).toMatchObject({ status: "DELETE_COMPLETE" });
    await add(store(), "two", name);
    expect(await store().listDeleted(6, 10)).toHaveLength(1);
    expect(await store().listDeleted(5, 10)).toEqual([]);
    expect(await store().countStacks()).toBe(1);
  });

  test("a write that rests on an old revision changes nothing, parts and events included", async () => {
    const { id } = await add(store(), "one");
    const over = await find(store(), id);
    await store().commit([{ op: "putStack", record: { ...over, policy: "{}" }, over }]);
    const late = await store().commit([
      { op: "putPart", stackId: id, kind: "resource", key: "a", part: RESOURCE },
      { op: "addEvent", stackId: id, event: event(1) },
      { op: "putStack", record: over, over },
    ]);
    expect(late).toBe("changed");
    expect(await store().listParts(id, "resource")).toEqual([]);
    expect(await store().listEvents(id, 10, 10)).toEqual([]);
  });

  test("parts are listed by key, events newest first and trimmed, and all go with the stack", async () => {
    const { id } = await add(store(), "one");
    await store().commit([
      { op: "putPart", stackId: id, kind: "resource", key: "b", part: RESOURCE },
      { op: "putPart", stackId: id, kind: "resource", key: "a", part: { ...RESOURCE, key: "a" } },
      ...[1, 2, 3, 4].map((atMs) => ({ op: "addEvent", stackId: id, event: event(atMs) }) as const),
    ]);
    expect((await store().listParts(id, "resource")).map(({ key }) => key)).toEqual(["a", "b"]);
    expect((await store().listEvents(id, 4, 2)).map(({ atMs }) => atMs)).toEqual([3, 2]);
    await store().commit([{ op: "trimEvents", stackId: id, countMax: 3 }]);
    expect((await store().listEvents(id, 10, 10)).map(({ atMs }) => atMs)).toEqual([4, 3, 2]);
    await store().commit([{ op: "removePart", stackId: id, kind: "resource", key: "a" }]);
    expect((await (await another()).stacks.listParts(id, "resource")).map(({ key }) => key)).toEqual(["b"]);
    await store().commit([{ op: "removeStack", record: await find(store(), id) }]);
    expect(await store().getPart(id, "resource", "b")).toBeNull();
    expect(await store().listEvents(id, 10, 10)).toEqual([]);
  });
}

export function stackListings(opened: () => MetadataStore): void {
  const store = (): StackStore => opened().stacks;

  test("stacks are paged, newest first", async () => {
    for (const name of ["a", "b", "c"]) await add(store(), name);
    const listing = { after: null, countMax: 2, withDeleted: false };
    const first = await store().listStacks(listing);
    expect(first.map(({ name }) => name)).toEqual(["c", "b"]);
    const after = first.at(-1) ?? null;
    expect((await store().listStacks({ ...listing, after })).map(({ name }) => name)).toEqual(["a"]);
  });

  test("an export has one stack, and knows who imports it", async () => {
    const [one, two] = [await add(store(), "one"), await add(store(), "two")];
    const exported = { name: "x", value: "1", stackId: one.id };
    expect(await store().commit([{ op: "setExports", stackId: one.id, exports: [exported] }])).toBe("done");
    const taken = { ...exported, stackId: two.id };
    expect(await store().commit([{ op: "setExports", stackId: two.id, exports: [taken] }])).toBe("changed");
    await store().commit([{ op: "setImports", stackId: two.id, names: ["x"] }]);
    expect([await store().getExport("x"), await store().listExports("", 5), await store().listImporters("x")]).toEqual([
      exported,
      [exported],
      ["two"],
    ]);
  });

  test("each commit is heard", async () => {
    const heard = opened().nextCommit();
    await add(store(), "one");
    await heard;
  });
}

const RESOURCE = {
  key: "b",
  logicalId: "B",
  type: "AWS::IAM::Role",
  physicalId: "b",
  isObsolete: false,
  isIncomplete: false,
  staleKeys: [],
  neededKeys: [],
  madeSince: 0,
  run: 1,
  before: null,
  status: "CREATE_COMPLETE",
  statusReason: null,
  updatedAtMs: 1,
  properties: {},
  tags: {},
  metadata: null,
  needs: [],
  deletionPolicy: "Delete",
  updateReplacePolicy: "Delete",
  ref: null,
  attributes: {},
} as const;

let made = 0;

function stack(id: string, name: string): StackRecord {
  return {
    id,
    name,
    status: "REVIEW_IN_PROGRESS",
    statusReason: null,
    createdAtMs: ++made,
    updatedAtMs: null,
    deletedAtMs: null,
    head: null,
    outputs: [],
    isTerminationProtected: false,
    isRollbackDisabled: false,
    deadlineMs: null,
    timeoutMinutes: null,
    parentId: null,
    rootId: null,
    changeSetId: null,
    policy: null,
    lastEventMs: 0,
    request: null,
  };
}

async function add(store: StackStore, id: string, name = id): Promise<StackRecord> {
  const record = stack(id, name);
  expect(await store.commit([{ op: "putStack", record, over: null }])).toBe("done");
  return record;
}

async function find(store: StackStore, id: string): Promise<Stored<StackRecord>> {
  const found = await store.getStack(id);
  if (found === null) throw new Error(`no stack ${id}`);
  return found;
}

function event(atMs: number): StackEvent {
  const bare = { physicalId: "", type: "AWS::CloudFormation::Stack", reason: null, properties: null, request: null };
  return { ...bare, id: `e${atMs}`, atMs, logicalId: null, status: "CREATE_IN_PROGRESS" };
}
