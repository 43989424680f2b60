/**
 * What a metadata store must do, for each store there is. A store joins by a test file of its own that calls
 * `metadataStoreSuite`. Two stores that are opened on the same data are two servers: what one of them has written the
 * other one knows.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AliasRecord, FunctionRecord, ProvisionedRecord, VersionRecord } from "../../model/function-record.ts";
import { LATEST } from "../../model/function-record.ts";
import type { MetadataStore, Stored, VersionsWish, Write } from "../../ports/metadata-store.ts";
import { accountEntries, settings } from "./settings-suite.ts";
import {
  alias,
  create,
  delivery,
  event,
  found,
  functionOf,
  functionRecord,
  provision,
  put,
  versionOf,
  versionRecord,
} from "./stored-records.ts";
import { stackListings, stacks } from "./stacks-suite.ts";

export interface StoreUnderTest {
  readonly name: string;
  /** Empty data of their own for one test. */
  prepare(): Promise<StoreData>;
}

export interface StoreData {
  /** Opens the data; again: another server on the same data, or the same one after a restart. */
  open(): Promise<MetadataStore>;
  remove(): Promise<void>;
}

export function metadataStoreSuite(under: StoreUnderTest): void {
  describe(`metadata store: ${under.name}`, () => {
    let data: StoreData;
    let store: MetadataStore;
    let open: MetadataStore[] = [];

    const openAnother = async (): Promise<MetadataStore> => {
      const another = await data.open();
      open.push(another);
      return another;
    };

    beforeEach(async () => {
      data = await under.prepare();
      store = await openAnother();
    });

    afterEach(async () => {
      for (const each of open) await each.close();
      open = [];
      await data.remove();
    });

    documents(() => store);
    rereading(() => store, openAnother);
    stacks(() => store, openAnother);
    stackListings(() => store);
    dependents(() => store);
    settings(() => store);
    accountEntries(() => store);
    expectations(() => store, openAnother);
    anotherOne(() => store);
    servers(() => store, openAnother);
    sums(() => store, openAnother);
    events(() => store);
    deliveries(() => store);

    test("the users of all functions are listed, and are not given again", async () => {
      const uid = (await store.nextUid(NOBODY)) ?? 0;
      await store.commit([put("function", { ...functionRecord("f"), uid })]);
      expect(await store.listUids()).toEqual([uid]);
      expect(await store.nextUid(new Set([uid + 1]))).toBe(uid + 2);
    });

    test("what was committed is there after a restart, with the revision that it had", async () => {
      await create(store, "f");
      const before = await store.getFunction("f");
      const account = await store.accountRevision();
      const uid = await store.nextUid(NOBODY);
      await store.close();
      open = [];
      const again = await openAnother();
      expect(await again.getFunction("f")).toEqual(before);
      expect(await again.accountRevision()).toBe(account);
      expect(await again.nextUid(NOBODY)).toBeGreaterThan(uid ?? 0);
    });
  });
}

/** Who reads a record again and again sees each change, whoever made it, and changes nobody else's. */
function rereading(store: () => MetadataStore, openAnother: () => Promise<MetadataStore>): void {
  test("a record that was read before is read as it is now", async () => {
    const other = await openAnother();
    await create(store(), "f");
    for (const [writer, team] of [
      [store(), "a"],
      [other, "b"],
      [store(), "c"],
    ] as const) {
      const over = await functionOf(store(), "f");
      expect(await functionOf(other, "f")).toEqual(over);
      const record = { ...over, tags: { team } };
      expect(await writer.commit([{ op: "put", kind: "function", record, over }])).toBe("done");
      for (const reader of [store(), other]) expect((await functionOf(reader, "f")).tags).toEqual({ team });
    }
    const last = await functionOf(other, "f");
    expect(await other.commit([{ op: "remove", kind: "function", record: last }])).toBe("done");
    expect(await store().getFunction("f")).toBeNull();
    expect(await store().getVersion("f", LATEST)).toBeNull();
    await create(store(), "f");
    expect((await functionOf(other, "f")).tags).toEqual(functionRecord("f").tags);
    expect((await functionOf(store(), "f")).revision).toBeGreaterThan(last.revision);
  });

  test("no reader can change what others read", async () => {
    await create(store(), "f");
    const { config } = await versionOf(store(), "f", LATEST);
    try {
      (config as { timeoutS: number }).timeoutS = 900;
      (config.environment as Record<string, string>)["ADDED"] = "x";
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
    }
    const { timeoutS, environment } = (await versionOf(store(), "f", LATEST)).config;
    expect([timeoutS, environment]).toEqual([3, versionRecord("f", LATEST).config.environment]);
  });
}

function documents(store: () => MetadataStore): void {
  test("each kind is read as it was written, by its key and in lists, in order", async () => {
    for (const name of ["b", "a"]) await create(store(), name);
    const a = await functionOf(store(), "a");
    const versions = ["2", "10", "1"].map((version) => put("version", versionRecord("a", version)));
    const aliases = ["live", "blue"].map((name) => put("alias", alias("a", name)));
    const provisioned = ["live", "1"].map((qualifier) => put("provisioned", provision("a", qualifier)));
    expect(await store().commit([...versions, ...aliases, ...provisioned])).toBe("done");
    expect((await store().listFunctions()).map(({ name }) => name)).toEqual(["a", "b"]);
    expect((await store().listVersions("a")).map(({ version }) => version)).toEqual([LATEST, "1", "2", "10"]);
    expect((await store().listAllVersions()).map((record) => `${record.functionName}:${record.version}`)).toEqual([
      "a:$LATEST",
      "a:1",
      "a:2",
      "a:10",
      "b:$LATEST",
    ]);
    expect((await store().listAliases("a")).map(({ name }) => name)).toEqual(["blue", "live"]);
    expect((await store().listProvisioned("a")).map(({ qualifier }) => qualifier)).toEqual(["1", "live"]);
    expect(await store().listAllProvisioned()).toHaveLength(2);
    expect(await store().getVersion("a", "10")).toEqual({
      ...versionRecord("a", "10"),
      revision: expect.any(Number),
    });
    expect(await store().getAlias("a", "live")).toMatchObject(alias("a", "live"));
    expect(await store().getProvisioned("a", "1")).toMatchObject(provision("a", "1"));
    expect(a).toMatchObject(functionRecord("a"));
  });

  test("parts of the versions of all functions go on after a place, whether or not it is anybody's", async () => {
    for (const name of ["b", "a", "a-b", "c"]) await create(store(), name);
    await store().commit(["2", "10", "1"].map((version) => put("version", versionRecord("a", version))));
    const part = async (after: VersionsWish["after"], isLatestOnly: boolean, countMax: number): Promise<string[]> => {
      const found = await store().listVersionsAfter({ after, isLatestOnly, countMax });
      return found.map((record) => `${record.functionName}:${record.version}`);
    };
    expect(await part(null, false, 3)).toEqual(["a:$LATEST", "a:1", "a:2"]);
    expect(await part({ functionName: "a", number: 2 }, false, 3)).toEqual(["a:10", "a-b:$LATEST", "b:$LATEST"]);
    expect(await part({ functionName: "a", number: 9 }, false, 1)).toEqual(["a:10"]);
    expect(await part({ functionName: "aa", number: 5 }, false, 9)).toEqual(["b:$LATEST", "c:$LATEST"]);
    expect(await part(null, true, 2)).toEqual(["a:$LATEST", "a-b:$LATEST"]);
    expect(await part({ functionName: "a-b", number: 0 }, true, 9)).toEqual(["b:$LATEST", "c:$LATEST"]);
    expect(await part({ functionName: "c", number: 0 }, true, 9)).toEqual([]);
  });

  test("what is not there is null, and its lists are empty", async () => {
    expect(await store().getFunction("f")).toBeNull();
    expect(await store().getVersion("f", LATEST)).toBeNull();
    expect(await store().getAlias("f", "live")).toBeNull();
    expect(await store().getProvisioned("f", "live")).toBeNull();
    expect(await store().listFunctions()).toEqual([]);
    expect(await store().listVersions("f")).toEqual([]);
    expect(await store().listUses()).toEqual([]);
  });
}

function dependents(store: () => MetadataStore): void {
  test("a revision that was read along with a record is not stored in it", async () => {
    await create(store(), "f");
    const before = await functionOf(store(), "f");
    await store().commit([{ op: "put", kind: "function", record: { ...before, lastVersion: 1 }, over: before }]);
    const after = await functionOf(store(), "f");
    expect(after).toEqual({ ...functionRecord("f"), lastVersion: 1, revision: after.revision });
    expect(after.revision).not.toBe(before.revision);
  });

  test("with a function goes all that belongs to it; with a version its use", async () => {
    await create(store(), "f");
    await create(store(), "g");
    await store().commit([
      put("version", versionRecord("f", "1")),
      put("alias", alias("f", "live")),
      put("provisioned", provision("f", "live")),
      { op: "addEvent", event: event("f", 0) },
      { op: "addEvent", event: event("g", 0) },
      { op: "putUse", use: { functionName: "f", version: "1", usedAtMs: 5 } },
    ]);
    expect(await store().listUses()).toEqual([{ functionName: "f", version: "1", usedAtMs: 5 }]);
    await store().commit([{ op: "remove", kind: "version", record: await versionOf(store(), "f", "1") }]);
    expect(await store().listUses()).toEqual([]);
    await store().commit([{ op: "remove", kind: "function", record: await functionOf(store(), "f") }]);
    expect(await store().getAlias("f", "live")).toBeNull();
    expect(await store().getProvisioned("f", "live")).toBeNull();
    expect((await store().listAllVersions()).map(({ functionName }) => functionName)).toEqual(["g"]);
    expect((await store().listEvents(10, 10)).map(({ functionName }) => functionName)).toEqual(["g"]);
  });

  test("a use is written over the one before, and one of a version that is not there is dropped", async () => {
    await create(store(), "f");
    for (const usedAtMs of [7, 3]) {
      const use = { functionName: "f", version: LATEST, usedAtMs };
      expect(await store().commit([{ op: "putUse", use }])).toBe("done");
    }
    const gone = { functionName: "f", version: "9", usedAtMs: 1 };
    expect(await store().commit([{ op: "putUse", use: gone }])).toBe("done");
    expect(await store().listUses()).toEqual([{ functionName: "f", version: LATEST, usedAtMs: 3 }]);
  });

  test("keeps what is unfinished until it has no tries, or its function has gone", async () => {
    await create(store(), "f");
    const event = { kind: "event", functionName: "f", key: "7" } as const;
    const snapshot = { kind: "snapshot", functionName: "f", key: "1" } as const;
    for (const tries of [1, 2]) {
      expect(await store().commit([{ op: "putUnfinished", work: { ...event, tries } }])).toBe("done");
      expect(await store().commit([{ op: "putUnfinished", work: { ...snapshot, tries } }])).toBe("done");
    }
    const gone = { kind: "event", functionName: "gone", key: "7", tries: 1 } as const;
    expect(await store().commit([{ op: "putUnfinished", work: gone }])).toBe("done");
    expect(await store().listUnfinished()).toEqual([
      { ...event, tries: 2 },
      { ...snapshot, tries: 2 },
    ]);
    await store().commit([{ op: "putUnfinished", work: { ...event, tries: 0 } }]);
    expect(await store().listUnfinished()).toEqual([{ ...snapshot, tries: 2 }]);
    await store().commit([{ op: "remove", kind: "function", record: await functionOf(store(), "f") }]);
    expect(await store().listUnfinished()).toEqual([]);
  });
}

function expectations(store: () => MetadataStore, openAnother: () => Promise<MetadataStore>): void {
  test("a write over what another server has changed meanwhile is refused, whatever kind it is of", async () => {
    await create(store(), "f");
    await store().commit([put("alias", alias("f", "live")), put("provisioned", provision("f", "live"))]);
    const other = await openAnother();
    const read = {
      function: await functionOf(store(), "f"),
      version: await versionOf(store(), "f", LATEST),
      alias: await found(store().getAlias("f", "live")),
      provisioned: await found(store().getProvisioned("f", "live")),
    };
    for (const write of overwrites(read)) {
      expect(await other.commit([write])).toBe("done");
      expect(await store().commit([write]), `${write.op} ${JSON.stringify(write)}`).toBe("changed");
    }
    for (const write of [...overwrites(read).map(toExpect), ...overwrites(read).map(toRemove)])
      expect(await store().commit([write])).toBe("changed");
    expect(await functionOf(store(), "f")).toMatchObject({ name: "f" });
  });

  test("one write that can't be leaves all of the others undone, before it and after it", async () => {
    await create(store(), "f");
    const read = await functionOf(store(), "f");
    await store().commit([{ op: "touchFunction", record: read }]);
    const writes: readonly Write[] = [
      put("alias", alias("f", "live")),
      { op: "touchFunction", record: read },
      put("alias", alias("f", "blue")),
    ];
    expect(await store().commit(writes)).toBe("changed");
    expect(await store().listAliases("f")).toEqual([]);
  });

  test("what is to be new must not be there, and needs its function", async () => {
    await create(store(), "f");
    expect(await store().commit([put("function", functionRecord("f"))])).toBe("changed");
    expect(await store().commit([put("version", versionRecord("f", LATEST))])).toBe("changed");
    expect(await store().commit([put("version", versionRecord("gone", "1"))])).toBe("changed");
    expect(await store().commit([put("alias", alias("gone", "live"))])).toBe("changed");
    expect(await store().commit([put("provisioned", provision("gone", "live"))])).toBe("changed");
    expect(await store().commit([{ op: "addEvent", event: event("gone", 0) }])).toBe("changed");
    expect(await store().listEvents(10, 10)).toEqual([]);
  });
}

function anotherOne(store: () => MetadataStore): void {
  test("a function that was removed and made again is another one", async () => {
    await create(store(), "f");
    const first = await functionOf(store(), "f");
    const latest = await versionOf(store(), "f", LATEST);
    await store().commit([{ op: "remove", kind: "function", record: first }]);
    await create(store(), "f");
    expect(await store().commit([{ op: "put", kind: "function", record: first, over: first }])).toBe("changed");
    expect(await store().commit([{ op: "put", kind: "version", record: latest, over: latest }])).toBe("changed");
    expect(await store().commit([{ op: "remove", kind: "function", record: first }])).toBe("changed");
  });

  test("a touched function has a new revision and is the same otherwise; one that is expected stays as it is", async () => {
    await create(store(), "f");
    const before = await functionOf(store(), "f");
    expect(await store().commit([{ op: "expect", kind: "function", record: before }])).toBe("done");
    expect(await functionOf(store(), "f")).toEqual(before);
    expect(await store().commit([{ op: "touchFunction", record: before }])).toBe("done");
    const after = await functionOf(store(), "f");
    expect(after).toEqual({ ...before, revision: after.revision });
    expect(after.revision).not.toBe(before.revision);
  });
}

function servers(store: () => MetadataStore, openAnother: () => Promise<MetadataStore>): void {
  test("of many servers that count up the same record at once none loses a count", async () => {
    await create(store(), "f");
    const all = [store(), await openAnother(), await openAnother()];
    const numbers: number[] = [];
    const countUp = async (server: MetadataStore): Promise<void> => {
      for (;;) {
        const owner = await functionOf(server, "f");
        const lastVersion = owner.lastVersion + 1;
        const written = await server.commit([
          { op: "put", kind: "function", record: { ...owner, lastVersion }, over: owner },
          put("version", versionRecord("f", String(lastVersion))),
        ]);
        if (written === "done") return void numbers.push(lastVersion);
      }
    };
    await Promise.all(Array.from({ length: 30 }, (_each, number) => countUp(all[number % 3] as MetadataStore)));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_each, number) => number + 1));
    expect(await store().listVersions("f")).toHaveLength(31);
  });

  test("no two calls get the same uid, from several servers either", async () => {
    const other = await openAnother();
    const uids = await Promise.all(
      Array.from({ length: 10 }, () => [store().nextUid(NOBODY), other.nextUid(NOBODY)]).flat(),
    );
    expect(new Set(uids).size).toBe(20);
    expect(uids).not.toContain(null);
  });
}

const NOBODY: ReadonlySet<number> = new Set();

function sums(store: () => MetadataStore, openAnother: () => Promise<MetadataStore>): void {
  test("of two servers that reserve what is left of the account only one does", async () => {
    for (const name of ["f", "g"]) await create(store(), name);
    const other = await openAnother();
    const reserve = async (server: MetadataStore, name: string): Promise<() => Promise<string>> => {
      const revision = await server.accountRevision();
      const owner = await functionOf(server, name);
      const record = { ...owner, reservedConcurrency: 900 };
      return () =>
        server.commit([
          { op: "put", kind: "function", record, over: owner },
          { op: "touchAccount", revision },
        ]);
    };
    // Both have read before one writes; their functions are not the same.
    const attempts = [await reserve(store(), "f"), await reserve(other, "g")];
    const outcomes = await Promise.all(attempts.map((attempt) => attempt()));
    expect(outcomes.toSorted()).toEqual(["changed", "done"]);
    const reserved = (await store().listFunctions()).map(({ reservedConcurrency }) => reservedConcurrency);
    expect(reserved.filter((each) => each !== null)).toEqual([900]);
  });
}

function events(store: () => MetadataStore): void {
  const add = (name: string, notBeforeMs: number): Promise<unknown> =>
    store().commit([{ op: "addEvent", event: event(name, notBeforeMs) }]);

  test("events are listed by function, oldest first, and the next due one is known", async () => {
    for (const name of ["a", "b", "c"]) await create(store(), name);
    for (let at = 1; at <= 5; at++) await add("b", at);
    await add("c", 3);
    await add("a", 9);
    const due = await store().listEvents(4, 2);
    expect(due.map(({ requestId }) => requestId)).toEqual(["b1", "b2", "c3"]);
    expect(due[0]).toEqual({ ...event("b", 1), id: due[0]?.id, revision: due[0]?.revision });
    expect(await store().nextEventDueMs(4)).toBe(5);
    expect(await store().nextEventDueMs(9)).toBeNull();
  });

  test("an event is put off or removed only as it was read", async () => {
    await create(store(), "f");
    await add("f", 1);
    const [read] = await store().listEvents(1, 1);
    if (read === undefined) throw new Error("no event");
    const postpone: Write = { op: "postponeEvent", event: read, attempts: 1, notBeforeMs: 50 };
    expect(await store().commit([postpone])).toBe("done");
    expect(await store().listEvents(49, 10)).toEqual([]);
    expect(await store().commit([postpone])).toBe("changed");
    expect(await store().commit([{ op: "removeEvent", event: read }])).toBe("changed");
    const [again] = await store().listEvents(50, 1);
    if (again === undefined) throw new Error("no event");
    expect(again).toMatchObject({ id: read.id, attempts: 1, notBeforeMs: 50, acceptedAtMs: 0 });
    expect(await store().commit([{ op: "removeEvent", event: again }])).toBe("done");
    expect(await store().commit([{ op: "removeEvent", event: again }])).toBe("changed");
    expect(await store().listEvents(100, 10)).toEqual([]);
  });
}

function deliveries(store: () => MetadataStore): void {
  test("a delivery is whole, outlives its function, and is put off or removed only as it was read", async () => {
    await create(store(), "f");
    for (const at of [3, 1, 9])
      expect(await store().commit([{ op: "addDelivery", delivery: delivery("f", at) }])).toBe("done");
    await store().commit([{ op: "remove", kind: "function", record: await functionOf(store(), "f") }]);
    const due = await store().listDeliveries(5, 10);
    expect(due.map(({ notBeforeMs }) => notBeforeMs)).toEqual([1, 3]);
    const [first] = due;
    if (first === undefined) throw new Error("no delivery");
    expect(first).toEqual({ ...delivery("f", 1), id: first.id, revision: first.revision });
    expect(await store().listDeliveries(5, 1)).toEqual([first]);
    expect(await store().nextDeliveryDueMs(5)).toBe(9);
    const postpone: Write = { op: "postponeDelivery", delivery: first, notBeforeMs: 4 };
    expect(await store().commit([postpone])).toBe("done");
    expect(await store().commit([postpone])).toBe("changed");
    expect(await store().commit([{ op: "removeDelivery", delivery: first }])).toBe("changed");
    const [, again] = await store().listDeliveries(5, 10);
    if (again === undefined) throw new Error("no delivery");
    expect(again).toMatchObject({ id: first.id, attempts: 1, notBeforeMs: 4 });
    expect(await store().commit([{ op: "removeDelivery", delivery: again }])).toBe("done");
    expect(await store().listDeliveries(5, 10)).toHaveLength(1);
    expect(await store().nextDeliveryDueMs(9)).toBeNull();
  });

  test("no destination hides those of another, however many deliveries it has", async () => {
    await create(store(), "f");
    const toOf = (destination: string, at: number): Write => ({
      op: "addDelivery",
      delivery: { ...delivery("f", at), destination },
    });
    await store().commit([...[1, 2, 3, 4].map((at) => toOf("dead", at)), toOf("alive", 5), toOf("alive", 6)]);
    const listed = (await store().listDeliveries(5, 2)).map(({ destination, notBeforeMs }) => [
      destination,
      notBeforeMs,
    ]);
    expect(listed).toEqual([
      ["dead", 1],
      ["dead", 2],
      ["alive", 5],
    ]);
  });
}

interface Read {
  readonly function: Stored<FunctionRecord>;
  readonly version: Stored<VersionRecord>;
  readonly alias: Stored<AliasRecord>;
  readonly provisioned: Stored<ProvisionedRecord>;
}

type Overwrite = Extract<Write, { readonly op: "put" }>;

function overwrites(read: Read): readonly Overwrite[] {
  return [
    { op: "put", kind: "function", record: read.function, over: read.function },
    { op: "put", kind: "version", record: read.version, over: read.version },
    { op: "put", kind: "alias", record: read.alias, over: read.alias },
    { op: "put", kind: "provisioned", record: read.provisioned, over: read.provisioned },
  ];
}

function toExpect({ kind, over }: Overwrite): Write {
  return { op: "expect", kind, record: over } as Write;
}

function toRemove({ kind, over }: Overwrite): Write {
  return { op: "remove", kind, record: over } as Write;
}
