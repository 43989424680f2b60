import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FunctionRecord } from "../model/function-record.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { metadataStoreSuite } from "./testing/metadata-store-suite.ts";

metadataStoreSuite({
  name: "SQLite",
  prepare: async () => {
    const own = mkdtempSync(join(tmpdir(), "thaw-store-"));
    return {
      open: async () => openSqliteStore(join(own, "thaw.db")),
      remove: async () => rmSync(own, { recursive: true, force: true }),
    };
  },
});

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

/** What format 2 changed in format 1, and what a server of that time had written. */
const FORMAT_2 = `
  CREATE TABLE version_uses (function_name TEXT NOT NULL, version TEXT NOT NULL, used_at_ms INTEGER NOT NULL, PRIMARY KEY (function_name, version),
    FOREIGN KEY (function_name, version) REFERENCES versions(function_name, version) ON DELETE CASCADE) STRICT;
  UPDATE versions SET doc = json_set(doc, '$.snapshotFacts', json('null'), '$.regenerationFailure', json('null'), '$.config.fileSystems', json('[]'));
  CREATE TABLE provisioned (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (function_name, qualifier)) STRICT;
  UPDATE functions SET doc = json_set(doc, '$.reservedConcurrency', json('null'));
  CREATE INDEX events_of_function ON events (function_name, not_before_ms, id);
  INSERT INTO aliases VALUES ('f', 'live', '{"functionName":"f","name":"live","functionVersion":"1","description":"","weights":{},"revisionId":"r"}');
  INSERT INTO provisioned VALUES ('f', 'live', '{"functionName":"f","qualifier":"live","requested":2,"lastModifiedMs":1}');
  INSERT INTO events (function_name, request_id, payload, attempts, accepted_at_ms, not_before_ms) VALUES ('f', 'r', x'7b7d', 1, 2, 3);
  INSERT INTO counters VALUES ('uid', 100000);
  PRAGMA user_version = 2;
`;

function write(...formats: readonly string[]): string {
  const path = join(dir, "thaw.db");
  const old = new DatabaseSync(path);
  for (const format of formats) old.exec(format);
  old.close();
  return path;
}

test("APIs of format 7 have what routes and stages have since", async () => {
  const path = join(dir, "thaw.db");
  const old = new DatabaseSync(path);
  for (const migration of MIGRATIONS.slice(0, 7)) old.exec(migration);
  const routes = [
    { id: "r1", key: "GET /a" },
    { id: "r2", key: "GET /b", authorizerId: "a", scopes: ["read"] },
  ];
  const add = old.prepare("INSERT INTO account_entries VALUES (?, ?, ?, 1)");
  add.run("httpApi", "h", JSON.stringify({ id: "h", routes, stages: [{ name: "$default" }] }));
  add.run("httpFrozen", "h/d", JSON.stringify({ id: "h/d", routes: [] }));
  add.run("restApi", "r", JSON.stringify({ id: "r", stages: [{ name: "prod" }, { name: "test" }] }));
  old.exec("PRAGMA user_version = 7");
  old.close();
  const store = openSqliteStore(path);
  expect(await store.getAccountEntry("httpApi", "h")).toMatchObject({
    routes: [{ id: "r1", key: "GET /a", authorizerId: null, scopes: [] }, routes[1]],
    authorizers: [],
    stages: [
      {
        name: "$default",
        authorizerResets: 0,
        accessLog: null,
        routeSettings: {},
        routeDefaults: { ratePerS: null, burst: null, hasMetrics: false },
      },
    ],
  });
  expect(await store.getAccountEntry("httpFrozen", "h/d")).toMatchObject({ id: "h/d", routes: [], authorizers: [] });
  const traffic = { accessLog: null, methodSettings: {}, isTraced: false };
  expect(await store.getAccountEntry("restApi", "r")).toMatchObject({
    stages: [
      { name: "prod", ...traffic },
      { name: "test", ...traffic },
    ],
  });
  await store.close();
});

test("data of format 1 is brought up", async () => {
  const store = openSqliteStore(write(FORMAT_1));
  expect(await store.getFunction("f")).toMatchObject({
    name: "f",
    uid: 100_000,
    lastVersion: 1,
    tags: {},
    reservedConcurrency: null,
  });
  expect(await store.getVersion("f", "1")).toMatchObject({
    config: { runtime: "java17", fileSystems: [] },
    snapshotId: "snap-0123456789abcdef",
    snapshotFacts: null,
    regenerationFailure: null,
  });
  await store.close();
});

test("data of format 2 is brought up: all of it has a revision, and can be changed by it", async () => {
  const path = write(FORMAT_1, FORMAT_2);
  const store = openSqliteStore(path);
  const owner = await store.getFunction("f");
  const version = await store.getVersion("f", "1");
  const alias = await store.getAlias("f", "live");
  const provisioned = await store.getProvisioned("f", "live");
  const [event] = await store.listEvents(3, 1);
  if (owner === null || version === null || alias === null || provisioned === null || event === undefined)
    throw new Error("something was lost");
  expect(event).toMatchObject({ requestId: "r", attempts: 1, payload: Buffer.from("{}") });
  const committed = await store.commit([
    { op: "put", kind: "function", record: { ...owner, lastVersion: 2 }, over: owner },
    { op: "put", kind: "version", record: version, over: version },
    { op: "put", kind: "alias", record: alias, over: alias },
    { op: "remove", kind: "provisioned", record: provisioned },
    { op: "touchAccount", revision: await store.accountRevision() },
    { op: "postponeEvent", event, attempts: 2, notBeforeMs: 9 },
    { op: "putUse", use: { functionName: "f", version: "1", usedAtMs: 5 } },
  ]);
  expect(committed).toBe("done");
  expect(await store.nextUid(new Set())).toBe(100_001);
  await store.close();
  const again = openSqliteStore(path);
  expect(await again.getFunction("f")).toMatchObject({ lastVersion: 2, uid: 100_000 });
  expect(await again.listUses()).toEqual([{ functionName: "f", version: "1", usedAtMs: 5 }]);
  expect(await again.listAllProvisioned()).toEqual([]);
  await again.close();
});

test("users are given again once all have been given, but none that a function or a process has", async () => {
  const path = write("");
  const store = openSqliteStore(path);
  const owner = (name: string, uid: number): FunctionRecord => ({
    name,
    uid,
    lastVersion: 0,
    tags: {},
    reservedConcurrency: null,
  });
  await store.commit([
    { op: "put", kind: "function", record: owner("first", 100_000), over: null },
    { op: "put", kind: "function", record: owner("last", 165_535), over: null },
  ]);
  const db = new DatabaseSync(path);
  db.exec("INSERT INTO counters VALUES ('uid', 165534) ON CONFLICT DO UPDATE SET value = 165534");
  expect(await store.nextUid(new Set([100_001]))).toBe(100_002);
  expect(await store.nextUid(new Set())).toBe(100_003);
  const all = new Set(Array.from({ length: 65_536 }, (_, number) => 100_000 + number));
  expect(await store.nextUid(all)).toBeNull();
  // As an older server left it, whose numbers only rose.
  db.exec("UPDATE counters SET value = 165900 WHERE name = 'uid'");
  expect(await store.nextUid(new Set())).toBe(100_365);
  db.close();
  await store.close();
});

test("a newer format is refused, and nothing of it is touched", () => {
  const path = write("CREATE TABLE future (a); PRAGMA user_version = 99;");
  expect(() => openSqliteStore(path)).toThrow(/has format 99/);
  const kept = new DatabaseSync(path);
  expect(kept.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "future" }]);
  expect(kept.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
  kept.close();
});
