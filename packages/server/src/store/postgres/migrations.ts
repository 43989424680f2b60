/**
 * The formats of the metadata in PostgreSQL, from the first to the one that is written today. All is in the schema
 * `thaw`. Text is compared by its bytes (`COLLATE "C"`), as SQLite does. Documents are `text`: `jsonb` has no U+0000.
 */
const TEXT = 'text COLLATE "C" NOT NULL';
const SCOPE = "scope bigint NOT NULL REFERENCES thaw.scopes (id) ON DELETE CASCADE";
const OF_FUNCTION = "FOREIGN KEY (scope, function_name) REFERENCES thaw.functions (scope, name) ON DELETE CASCADE";
const OF_STACK = "FOREIGN KEY (scope, stack_id) REFERENCES thaw.stacks (scope, id) ON DELETE CASCADE";
const DOCUMENT = "doc text NOT NULL, revision bigint NOT NULL";

/** One step a format: the first makes the tables, each later one brings the format before it up. */
export const MIGRATIONS = [
  `
  CREATE TABLE thaw.format (version int NOT NULL);
  INSERT INTO thaw.format VALUES (0);
  CREATE TABLE thaw.lease (epoch bigint NOT NULL, holder text NOT NULL, shown text NOT NULL, until timestamptz NOT NULL);
  INSERT INTO thaw.lease VALUES (0, '', '', 'epoch');
  CREATE TABLE thaw.installation (id text NOT NULL, home text NOT NULL);

  CREATE TABLE thaw.scopes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id text NOT NULL,
    region text NOT NULL, epoch bigint NOT NULL, revision bigint NOT NULL DEFAULT 1,
    account_revision bigint NOT NULL DEFAULT 1, last_uid bigint, UNIQUE (account_id, region));

  CREATE TABLE thaw.functions (${SCOPE}, name ${TEXT}, uid bigint NOT NULL, ${DOCUMENT}, PRIMARY KEY (scope, name));
  CREATE TABLE thaw.versions (scope bigint NOT NULL, function_name ${TEXT}, version ${TEXT}, number bigint NOT NULL,
    ${DOCUMENT}, PRIMARY KEY (scope, function_name, version), ${OF_FUNCTION});
  CREATE TABLE thaw.aliases (scope bigint NOT NULL, function_name ${TEXT}, name ${TEXT}, ${DOCUMENT},
    PRIMARY KEY (scope, function_name, name), ${OF_FUNCTION});
  CREATE TABLE thaw.provisioned (scope bigint NOT NULL, function_name ${TEXT}, qualifier ${TEXT}, ${DOCUMENT},
    PRIMARY KEY (scope, function_name, qualifier), ${OF_FUNCTION});
  CREATE TABLE thaw.settings (scope bigint NOT NULL, kind ${TEXT}, function_name ${TEXT}, qualifier ${TEXT}, ${DOCUMENT},
    PRIMARY KEY (scope, kind, function_name, qualifier), ${OF_FUNCTION});
  CREATE INDEX settings_of_function ON thaw.settings (scope, function_name);
  CREATE TABLE thaw.account_entries (${SCOPE}, kind ${TEXT}, id ${TEXT}, ${DOCUMENT}, PRIMARY KEY (scope, kind, id));

  CREATE TABLE thaw.version_uses (scope bigint NOT NULL, function_name ${TEXT}, version ${TEXT},
    used_at_ms bigint NOT NULL, PRIMARY KEY (scope, function_name, version),
    FOREIGN KEY (scope, function_name, version) REFERENCES thaw.versions (scope, function_name, version)
      ON DELETE CASCADE);
  CREATE TABLE thaw.unfinished (scope bigint NOT NULL, kind ${TEXT}, function_name ${TEXT}, key ${TEXT},
    tries bigint NOT NULL, PRIMARY KEY (scope, kind, function_name, key), ${OF_FUNCTION});
  CREATE INDEX unfinished_of_function ON thaw.unfinished (scope, function_name);

  CREATE TABLE thaw.events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scope bigint NOT NULL,
    function_name ${TEXT}, doc text NOT NULL, payload bytea NOT NULL, attempts bigint NOT NULL,
    accepted_at_ms bigint NOT NULL, not_before_ms bigint NOT NULL, revision bigint NOT NULL, ${OF_FUNCTION});
  CREATE INDEX events_due ON thaw.events (scope, not_before_ms, id);
  CREATE INDEX events_of_function ON thaw.events (scope, function_name, id);
  CREATE TABLE thaw.deliveries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${SCOPE}, destination ${TEXT},
    doc text NOT NULL, body bytea NOT NULL, attempts bigint NOT NULL, not_before_ms bigint NOT NULL,
    revision bigint NOT NULL);
  CREATE INDEX deliveries_due ON thaw.deliveries (scope, not_before_ms, id);
  CREATE INDEX deliveries_of_destination ON thaw.deliveries (scope, destination, not_before_ms, id);

  CREATE TABLE thaw.stacks (${SCOPE}, id ${TEXT}, name ${TEXT}, created_at_ms bigint NOT NULL, deleted_at_ms bigint,
    is_running boolean NOT NULL, ${DOCUMENT}, PRIMARY KEY (scope, id));
  CREATE UNIQUE INDEX stacks_living ON thaw.stacks (scope, name) WHERE deleted_at_ms IS NULL;
  CREATE INDEX stacks_made ON thaw.stacks (scope, created_at_ms, id);
  CREATE INDEX stacks_deleted ON thaw.stacks (scope, deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
  CREATE INDEX stacks_running ON thaw.stacks (scope) WHERE is_running;
  CREATE TABLE thaw.stack_parts (scope bigint NOT NULL, stack_id ${TEXT}, kind ${TEXT}, key ${TEXT}, doc text NOT NULL,
    PRIMARY KEY (scope, stack_id, kind, key), ${OF_STACK});
  CREATE TABLE thaw.stack_events (scope bigint NOT NULL, stack_id ${TEXT}, at_ms bigint NOT NULL, doc text NOT NULL,
    PRIMARY KEY (scope, stack_id, at_ms), ${OF_STACK});
  CREATE TABLE thaw.stack_exports (scope bigint NOT NULL, name ${TEXT}, doc text NOT NULL, stack_id ${TEXT},
    PRIMARY KEY (scope, name), ${OF_STACK});
  CREATE INDEX exports_of_stack ON thaw.stack_exports (scope, stack_id);
  CREATE TABLE thaw.stack_imports (scope bigint NOT NULL, stack_id ${TEXT}, name ${TEXT},
    PRIMARY KEY (scope, name, stack_id), ${OF_STACK});
  CREATE INDEX imports_of_stack ON thaw.stack_imports (scope, stack_id);
`,
] as const;
export const FORMAT = MIGRATIONS.length;
