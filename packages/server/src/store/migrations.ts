/** The formats of `thaw.db`, from the first to the one that is written today. */

/** One step a format: the first makes an empty file's tables, each later one brings the format before it up. */
export const MIGRATIONS = [
  `
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
`,
  `
  CREATE TABLE version_uses (function_name TEXT NOT NULL, version TEXT NOT NULL, used_at_ms INTEGER NOT NULL, PRIMARY KEY (function_name, version),
    FOREIGN KEY (function_name, version) REFERENCES versions(function_name, version) ON DELETE CASCADE) STRICT;
  UPDATE versions SET doc = json_set(doc, '$.snapshotFacts', json('null'), '$.regenerationFailure', json('null'), '$.config.fileSystems', json('[]'));
  CREATE TABLE provisioned (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (function_name, qualifier)) STRICT;
  UPDATE functions SET doc = json_set(doc, '$.reservedConcurrency', json('null'));
  CREATE INDEX events_of_function ON events (function_name, not_before_ms, id);
`,
  `
  ALTER TABLE functions ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE versions ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE aliases ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE provisioned ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE events ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL) STRICT;
  INSERT INTO account VALUES (1, 1);
  INSERT INTO counters VALUES ('revision', 1);
`,
  `
  CREATE TABLE unfinished (kind TEXT NOT NULL, function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE,
    key TEXT NOT NULL, tries INTEGER NOT NULL, PRIMARY KEY (kind, function_name, key)) STRICT;
  CREATE INDEX unfinished_of_function ON unfinished (function_name);
`,
  `
  CREATE TABLE settings (kind TEXT NOT NULL, function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE,
    qualifier TEXT NOT NULL, doc TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (kind, function_name, qualifier)) STRICT;
  CREATE INDEX settings_of_function ON settings (function_name);
  CREATE TABLE account_entries (kind TEXT NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (kind, id)) STRICT;
`,
  `
  ALTER TABLE events ADD COLUMN trace_id TEXT;
  CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL, body BLOB NOT NULL,
    attempts INTEGER NOT NULL, not_before_ms INTEGER NOT NULL, revision INTEGER NOT NULL,
    destination TEXT GENERATED ALWAYS AS (json_extract(doc, '$.destination')) VIRTUAL) STRICT;
  CREATE INDEX deliveries_due ON deliveries (not_before_ms, id);
  CREATE INDEX deliveries_of_destination ON deliveries (destination, not_before_ms, id);
`,
];
export const SCHEMA_VERSION = MIGRATIONS.length;
