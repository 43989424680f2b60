import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "vitest";
import type { LayerVersionRecord } from "../model/layer-record.ts";
import { readDatabaseFacts } from "./copy-database.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { create, put } from "./testing/stored-records.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "facts-test-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

describe("a database's facts", () => {
  it("name the content of functions, of their layers, and of layers that no function has", async ({ expect }) => {
    const path = join(dir, "thaw.db");
    const store = openSqliteStore(path);
    await create(store, "f");
    const version = await store.getVersion("f", "$LATEST");
    if (version === null) throw new Error("it has no $LATEST");
    const layers = [{ arn: "arn", codeName: "deleted-layer", codeSizeBytes: 1 }];
    const layer: LayerVersionRecord = {
      id: "l:1",
      name: "l",
      version: 1,
      description: "",
      createdAtMs: 1,
      licenseInfo: null,
      compatibleRuntimes: null,
      compatibleArchitectures: null,
      code: { codeName: "layer", codeSha256: "sha", codeSizeBytes: 1 },
      policy: [],
      revisionId: "r",
    };
    const config = { ...version.config, layers };
    await store.commit([
      { op: "put", kind: "version", record: { ...version, config }, over: version },
      put("layerVersion", layer),
    ]);
    await store.close();
    expect(readDatabaseFacts(path).codeNames.toSorted()).toEqual(["code", "deleted-layer", "layer"]);
  });

  it("are read of a file that had no layers yet", ({ expect }) => {
    const path = join(dir, "old.db");
    const db = new DatabaseSync(path);
    for (const migration of MIGRATIONS.slice(0, 4)) db.exec(migration);
    db.exec("PRAGMA user_version = 4");
    db.close();
    expect(readDatabaseFacts(path)).toEqual({ format: 4, codeNames: [] });
  });
});
