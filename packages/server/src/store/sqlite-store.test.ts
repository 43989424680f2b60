import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteStore } from "./sqlite-store.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-store-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** As format 1 had it. */
const FORMAT_1 = `
  CREATE TABLE functions (name TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT;
  CREATE TABLE versions (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, version TEXT NOT NULL,
    number INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (function_name, version)) STRICT;
  CREATE TABLE aliases (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, name TEXT NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (function_name, name)) STRICT;
  CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE,
    request_id TEXT NOT NULL, qualifier TEXT, payload BLOB NOT NULL, client_context TEXT, attempts INTEGER NOT NULL,
    accepted_at_ms INTEGER NOT NULL, not_before_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX events_due ON events (not_before_ms, id);
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT INTO functions VALUES ('f', '{"name":"f","uid":100000,"lastVersion":1,"tags":{}}');
  INSERT INTO versions VALUES ('f', '1', 1, '{"functionName":"f","version":"1","config":{"runtime":"java17"},"snapshotId":"snap-0123456789abcdef","isRegenerating":false}');
  PRAGMA user_version = 1;
`;

test("data of format 1 is brought up, and a newer format is refused untouched", () => {
  const path = join(dir, "thaw.db");
  const old = new DatabaseSync(path);
  old.exec(FORMAT_1);
  old.close();
  const store = openSqliteStore(path);
  expect(store.getFunction("f")).toEqual({
    name: "f",
    uid: 100_000,
    lastVersion: 1,
    tags: {},
    reservedConcurrency: null,
  });
  expect(store.getVersion("f", "1")).toMatchObject({
    config: { runtime: "java17", fileSystems: [] },
    snapshotId: "snap-0123456789abcdef",
    snapshotFacts: null,
    regenerationFailure: null,
  });
  store.putUse({ functionName: "f", version: "1", usedAtMs: 5 });
  store.close();
  expect(openAndList(path)).toEqual([{ functionName: "f", version: "1", usedAtMs: 5 }]);
  const newer = new DatabaseSync(path);
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  expect(() => openSqliteStore(path)).toThrow(/has format 99/);
});

test("a use goes with its version, and one of a version that is not there is dropped", () => {
  const path = join(dir, "thaw.db");
  const store = openSqliteStore(path);
  store.putUse({ functionName: "gone", version: "1", usedAtMs: 1 });
  expect(store.listUses()).toEqual([]);
  store.close();
});

test("events are listed by function, oldest first, and the next due one is known", () => {
  const store = openSqliteStore(join(dir, "thaw.db"));
  for (const name of ["a", "b", "c"])
    store.putFunction({ name, uid: 1, lastVersion: 0, tags: {}, reservedConcurrency: null });
  const add = (functionName: string, notBeforeMs: number): void =>
    void store.addEvent({
      requestId: `${functionName}${notBeforeMs}`,
      functionName,
      qualifier: null,
      payload: Buffer.from("{}"),
      clientContext: null,
      attempts: 0,
      acceptedAtMs: 0,
      notBeforeMs,
    });
  for (let at = 1; at <= 5; at++) add("b", at);
  add("c", 3);
  add("a", 9);
  expect(store.listEvents(4, 2).map((event) => event.requestId)).toEqual(["b1", "b2", "c3"]);
  expect(store.nextEventDueMs(4)).toBe(5);
  expect(store.nextEventDueMs(9)).toBeNull();
  store.close();
});

function openAndList(path: string): unknown {
  const store = openSqliteStore(path);
  try {
    return store.listUses();
  } finally {
    store.close();
  }
}
