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
  `
  CREATE TABLE stacks (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL, deleted_at_ms INTEGER,
    is_running INTEGER NOT NULL, doc TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX stacks_living ON stacks (name) WHERE deleted_at_ms IS NULL;
  CREATE INDEX stacks_made ON stacks (created_at_ms, id);
  CREATE INDEX stacks_deleted ON stacks (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
  CREATE INDEX stacks_running ON stacks (is_running) WHERE is_running = 1;
  CREATE TABLE stack_parts (stack_id TEXT NOT NULL REFERENCES stacks(id) ON DELETE CASCADE, kind TEXT NOT NULL,
    key TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (stack_id, kind, key)) STRICT;
  CREATE TABLE stack_events (stack_id TEXT NOT NULL REFERENCES stacks(id) ON DELETE CASCADE, at_ms INTEGER NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (stack_id, at_ms)) STRICT, WITHOUT ROWID;
  CREATE TABLE stack_exports (name TEXT PRIMARY KEY, value TEXT NOT NULL,
    stack_id TEXT NOT NULL REFERENCES stacks(id) ON DELETE CASCADE) STRICT;
  CREATE INDEX exports_of_stack ON stack_exports (stack_id);
  CREATE TABLE stack_imports (stack_id TEXT NOT NULL REFERENCES stacks(id) ON DELETE CASCADE, name TEXT NOT NULL,
    PRIMARY KEY (name, stack_id)) STRICT;
  CREATE INDEX imports_of_stack ON stack_imports (stack_id);
`,
  // Authorizers of HTTP APIs, and what stages of both kinds of APIs ask of their traffic.
  `
  UPDATE account_entries SET doc = json_insert(json_set(doc, '$.routes', (SELECT json_group_array(
    json_insert(value, '$.authorizerId', json('null'), '$.scopes', json('[]'))) FROM json_each(doc, '$.routes'))),
    '$.authorizers', json('[]')) WHERE kind IN ('httpApi', 'httpFrozen');
  UPDATE account_entries SET doc = json_set(doc, '$.stages', (SELECT json_group_array(
    json_insert(value, '$.authorizerResets', 0, '$.accessLog', json('null'), '$.routeSettings', json('{}'),
      '$.routeDefaults', json('{"ratePerS":null,"burst":null,"hasMetrics":false}')))
    FROM json_each(doc, '$.stages'))) WHERE kind = 'httpApi';
  UPDATE account_entries SET doc = json_set(doc, '$.stages', (SELECT json_group_array(
    json_insert(value, '$.accessLog', json('null'), '$.methodSettings', json('{}'), '$.isTraced', json('false')))
    FROM json_each(doc, '$.stages'))) WHERE kind = 'restApi';
`,
];
export const SCHEMA_VERSION = MIGRATIONS.length;
